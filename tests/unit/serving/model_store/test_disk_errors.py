import errno

import pytest

from serving.errors import IntegrityError, PublishError
from serving.model_store.disk_errors import disk_errors


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_to_do(number: int) -> None:
    with (
        pytest.raises(PublishError, match=r"cannot publish 'digits': no space left .* prune versions"),
        disk_errors("cannot publish 'digits'"),
    ):
        raise OSError(number, "whatever", "/an/absolute/path")


def test_another_disk_error_gives_its_reason_and_no_path() -> None:
    with pytest.raises(PublishError) as caught, disk_errors("cannot publish"):
        raise PermissionError(errno.EACCES, "Permission denied", "/an/absolute/path")
    assert str(caught.value) == "cannot publish: Permission denied"


def test_our_own_errors_pass_unchanged() -> None:
    with pytest.raises(IntegrityError, match="labels"), disk_errors("cannot publish"):
        raise IntegrityError("labels.json: not JSON")
