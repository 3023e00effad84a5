"""What speaks gRPC, under one name: `wires.py` loads it, and grpcio with it, once a URL asks for it and not before."""

from penstock_client.grpc_dialect import GrpcDialect
from penstock_client.grpc_transport import AsyncGrpcTransport, GrpcTransport

__all__ = ["AsyncGrpcTransport", "GrpcDialect", "GrpcTransport"]
