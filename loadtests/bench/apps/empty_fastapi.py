"""An empty FastAPI endpoint: reads the body, answers `{}`."""

from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/v1/models/dense:predict")
async def predict(request: Request) -> dict[str, str]:
    await request.body()
    return {}
