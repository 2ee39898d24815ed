"""Files of a music folder that are passed over and that may be taken for music: what they are, by their names.

Goes in: a name. Comes out: the kind of file with the reason, or None for what is not taken for music (covers, texts).
A camera's film may end in ``.mod`` as well as a tracker module; neither is analysed.
"""

from __future__ import annotations

from collections.abc import Mapping

NOTES = "MIDI and scores (notes without sound)"
MODULES = "tracker modules (not supported)"
CHIPS = "chip and console music (not supported)"
CODECS = "in formats without a decoder (convert to flac)"
PROTECTED = "copy-protected audio books"
DISCS = "references to tracks of a CD"
PLAYLISTS = "playlists of unsupported kinds (save as m3u8)"
FILMS = "films (index their sound by naming the file itself)"
ARCHIVES = "archives (unpack them)"
UNFINISHED_KIND = "unfinished downloads"

_KINDS: Mapping[str, str] = {
    NOTES: "mid midi rmi kar mxl musicxml mscz mscx gp gp3 gp4 gp5 gpx ptb",
    MODULES: "mod xm it s3m mtm mptm stm med okt 669 far ult umx mo3 ahx",
    CHIPS: "sid nsf nsfe spc gbs vgm vgz hes kss sap psf minipsf psf2 usf miniusf gsf minigsf 2sf ssf ym",
    CODECS: "ofr ofs la",
    PROTECTED: "aa aax aaxc",
    DISCS: "cda",
    PLAYLISTS: "wpl zpl asx wax b4s fpl",
    FILMS: "mp4 m4v mkv webm mov avi mpg mpeg wmv flv vob ogv m2ts mts 3gp divx rmvb",
    ARCHIVES: "zip rar 7z tar tgz",
}
_KIND_OF = {extension: kind for kind, extensions in _KINDS.items() for extension in extensions.split()}


def kind_passed_over(name: str) -> str | None:
    """What a file is that is passed over, in the plural and with the reason; None where nothing is lost.

    Parameters
    ----------
    name : str
        Without folders; one that `soundtrack.library.update.scan` neither analyses nor reads as a playlist.

    Examples
    --------
    >>> kind_passed_over("Song.MID"), kind_passed_over("cover.jpg"), kind_passed_over("._song.mid")
    ('MIDI and scores (notes without sound)', None, None)
    """
    lower = name.lower()
    return None if lower.startswith(".") else _KIND_OF.get(lower.rpartition(".")[2] if "." in lower else "")
