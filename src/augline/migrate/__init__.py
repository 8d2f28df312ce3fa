"""Brings training scripts from ImageDataGenerator, generators and tf.data chains to augline.

`augline migrate train.py` shows what it would change; see `augline.cli.migrate`.
"""

from augline.migrate.notes import Note, ScriptError
from augline.migrate.rewrite import Migration, migrate

__all__ = ["Migration", "Note", "ScriptError", "migrate"]
