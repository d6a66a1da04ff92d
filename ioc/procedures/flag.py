"""What is odd about a dossier that was taken nevertheless."""

from enum import IntFlag


class DossierFlag(IntFlag):
    """The bits of a dossier's `flags`; they change no figure, they name what to look at."""

    PROCEDURE_UNKNOWN = 1
    """The catalogue of procedures has no such code on the filing day."""
    DUE_ON_REST_DAY = 2
    """The return date is no working day."""
    DUE_BEFORE_RECEIPT = 4
    DUE_DIFFERS = 8
    """The return date is not the day that the procedure's time limit gives."""
    SUPPLEMENTED_OFTEN = 16
    """More supplement requests than the rule of the filing day allows, hence late."""
    UNIT_OF_LATER = 32
    """The handling unit came into being only after the filing day."""
    MOVED = 64
    """The handling unit changed while the dossier was in hand."""
    PAUSED_TOO_LONG = 128
    """The pauses are longer than the dossier has been there."""
