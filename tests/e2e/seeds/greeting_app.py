"""A FastAPI application of two greetings, as a newcomer would write it to try a load test on."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/hello")
async def say_hello() -> str:
    """Greet."""
    return "Hello!"


@app.get("/world")
async def say_world() -> str:
    """Name the greeted."""
    return "World!"
