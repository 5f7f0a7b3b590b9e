"""Work in several threads at once."""

import threading


def in_threads(n, work):
    """Run ``work(i)`` in n threads at once, and return what each raised."""
    errors, barrier = [], threading.Barrier(n)

    def run(i):
        barrier.wait(30)
        try:
            work(i)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
