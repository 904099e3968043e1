"""What workers need of heavy libraries, imported once by the process that they are forked from; see `toolkit.workers`.

What an extra would bring that is not installed is left out here: the worker that needs it then says so.
"""

import contextlib
import signal

ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the run, and this process with it
with contextlib.suppress(ImportError):
    import toolkit.evaluation.chat_model
    import toolkit.nano.pretrain
    import toolkit.students.train  # noqa: F401
signal.signal(signal.SIGINT, ignored)
