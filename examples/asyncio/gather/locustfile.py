"""Several requests of one user at once: `gather`, `wait`, `as_completed`, `create_task`, and what becomes of those that fail.

rocust -f examples/asyncio/gather/locustfile.py --headless -H http://127.0.0.1:8000 -u 5 -t 10s
"""

import asyncio

from locust import constant, task
from rocust import AsyncHttpUser


class Browser(AsyncHttpUser):
    wait_time = constant(0.1)

    async def image(self, number):
        return await self.client.get(f"/image/{number}", name="/image")

    @task
    async def page_with_images(self):
        await self.client.get("/page")
        responses = await asyncio.gather(*(self.image(number) for number in range(6)))
        assert all(response.ok for response in responses)

    @task
    async def some_may_fail(self):
        async def broken():
            raise LookupError("no such image")

        answers = await asyncio.gather(self.image(1), broken(), return_exceptions=True)
        assert [isinstance(answer, Exception) for answer in answers] == [False, True]

    @task
    async def the_first_one_wins(self):
        racing = [asyncio.create_task(self.image(number)) for number in range(3)]
        done, late = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
        assert done
        # Those that are left could be cancelled, which closes their requests; here they may end.
        await asyncio.gather(*late)

    @task
    async def as_they_come(self):
        for answer in asyncio.as_completed([self.image(number) for number in range(3)]):
            assert (await answer).ok
