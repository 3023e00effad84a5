"""An empty unary method of grpc.aio under Predict's name: receives the bytes, answers none. usage: empty_grpc PORT"""

import asyncio
import sys

import grpc
import uvloop


async def empty(_request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    return b""


async def main(port: int) -> None:
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(empty)
    methods = grpc.method_handlers_generic_handler("tensorflow.serving.PredictionService", {"Predict": handler})
    server.add_generic_rpc_handlers((methods,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
