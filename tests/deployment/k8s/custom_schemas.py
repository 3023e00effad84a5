"""The schemas of custom kinds, as far as k8s/ uses them, from their public references: nothing beyond is allowed.

prometheus-operator.dev/docs/api-reference/api, keda.sh/docs/latest/reference/scaledobject-spec,
cert-manager.io/docs/reference/api-docs, gateway-api.sigs.k8s.io/reference/spec.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
NUMBER: Schema = {"type": "integer", "minimum": 0}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
DURATION: Schema = {"type": "string", "pattern": r"^(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$", "minLength": 2}
HOST: Schema = {
    "type": "string",
    "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}


def made(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def several(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def kind(api_version: str, name: str, spec: Schema) -> Schema:
    return made({
        "apiVersion": one_of(api_version),
        "kind": one_of(name),
        "metadata": made({"name": TEXT, "labels": LABELS}, {"annotations": LABELS}),
        "spec": spec,
    })  # fmt: skip


_KEY = made({"name": TEXT, "key": TEXT})
_SCRAPED = several(
    made(
        {"port": TEXT, "path": TEXT, "interval": DURATION},
        {"authorization": made({"type": one_of("Bearer"), "credentials": _KEY})},
    )
)
_CHOSEN = made({"matchLabels": LABELS})
_RULE = {
    "oneOf": [
        made({"record": TEXT, "expr": TEXT}, {"labels": LABELS}),
        made({"alert": TEXT, "expr": TEXT, "labels": LABELS, "annotations": LABELS}, {"for": DURATION}),
    ]
}
_SCALING = made(
    {"policies": several(made({"type": one_of("Pods", "Percent"), "value": NUMBER, "periodSeconds": NUMBER}))},
    {"stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600}},
)
_TRIGGER = {
    "oneOf": [
        made({"type": one_of("cpu"), "metricType": one_of("Utilization"), "metadata": made({"value": TEXT})}),
        made({
            "type": one_of("prometheus"),
            "metricType": one_of("AverageValue", "Value"),
            "metadata": made({"serverAddress": TEXT, "query": TEXT, "threshold": TEXT}),
        }),
    ]
}  # fmt: skip
_ROUTED: Mapping[str, Schema] = {
    "parentRefs": several(made({"name": TEXT, "sectionName": TEXT})),
    "hostnames": several(HOST),
}
_BACKENDS = several(made({"name": TEXT, "port": PORT}))
_PATH = made({"path": made({"type": one_of("PathPrefix", "Exact"), "value": {"type": "string", "pattern": "^/"}})})
_METHOD = made({"method": made({"service": TEXT}, {"method": TEXT})})
_LISTENER = made(
    {"name": TEXT, "protocol": one_of("HTTP", "HTTPS"), "port": PORT, "hostname": HOST},
    {"tls": made({"mode": one_of("Terminate"), "certificateRefs": several(made({"name": TEXT}))})},
)

SCHEMAS: Mapping[str, Schema] = {
    "ServiceMonitor": kind(
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        made({"jobLabel": TEXT, "selector": _CHOSEN, "endpoints": _SCRAPED}),
    ),
    "PodMonitor": kind(
        "monitoring.coreos.com/v1",
        "PodMonitor",
        made({"jobLabel": TEXT, "selector": _CHOSEN, "podMetricsEndpoints": _SCRAPED}),
    ),
    "PrometheusRule": kind(
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        made({"groups": several(made({"name": TEXT, "rules": several(_RULE)}))}),
    ),
    "ScaledObject": kind(
        "keda.sh/v1alpha1",
        "ScaledObject",
        made({
            "scaleTargetRef": made({"apiVersion": TEXT, "kind": TEXT, "name": TEXT}),
            "minReplicaCount": NUMBER,
            "maxReplicaCount": NUMBER,
            "triggers": several(_TRIGGER),
            "advanced": made({
                "horizontalPodAutoscalerConfig": made(
                    {"behavior": made({}, {"scaleUp": _SCALING, "scaleDown": _SCALING})}
                )
            }),
        }),
    ),
    "Certificate": kind(
        "cert-manager.io/v1",
        "Certificate",
        made({
            "secretName": TEXT,
            "dnsNames": several(HOST),
            "issuerRef": made({"kind": one_of("Issuer", "ClusterIssuer"), "name": TEXT}),
            "privateKey": made({
                "algorithm": one_of("RSA", "ECDSA", "Ed25519"),
                "size": NUMBER,
                "rotationPolicy": one_of("Always", "Never"),
            }),
        }),
    ),
    "Gateway": kind(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        made({"gatewayClassName": TEXT, "listeners": several(_LISTENER)}),
    ),
    "HTTPRoute": kind(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        made({**_ROUTED, "rules": several(made({
            "matches": several(_PATH), "timeouts": made({"request": DURATION}), "backendRefs": _BACKENDS,
        }))}),
    ),
    "GRPCRoute": kind(
        "gateway.networking.k8s.io/v1",
        "GRPCRoute",
        made({**_ROUTED, "rules": several(made({"matches": several(_METHOD), "backendRefs": _BACKENDS}))}),
    ),
}  # fmt: skip
