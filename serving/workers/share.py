"""What one of several workers takes of the settings of their gateway.

Pure.
"""

from serving.settings import Settings


def share_of(settings: Settings, port: int, grpc_port: int) -> Settings:
    """For each worker: the ports that were taken, its part of the calls under way and of the memory for waiting and
    for answers kept.

    The bound on waiting rows is every worker's whole: it bounds how long they wait, and each worker has its own core to
    work them off.
    """
    return settings.model_copy(
        update={
            "port": port,
            "grpc_port": grpc_port,
            "max_in_flight_batches": _part(settings.max_in_flight_batches, settings.workers),
            "max_queue_bytes": _part(settings.max_queue_bytes, settings.workers),
            "model": {
                name: model.model_copy(update={"cache_bytes": _part(model.cache_bytes, settings.workers)})
                for name, model in settings.model.items()
            },
        }
    )


def _part(whole: int, workers: int) -> int:
    return -(-whole // workers)
