"""What is refused of signing requests; core.errors has them all."""

from typing import ClassVar

from core.refusal import CaError


class RequestError(CaError):
    """A signing request cannot be used: garbage, too large, more than one in a file."""

    code = "E-REQUEST"
    action: ClassVar[tuple[str, ...]] = ("Have the request made", "anew: see the manual")


class RequestNameError(RequestError):
    """The request's file name does not say class and target."""

    code = "E-REQUEST-NAME"
    action = ("Name it on a PC:", "class.target.csr")


class RequestTargetError(RequestError):
    """The policy has no target of that name, or makes its keys itself."""

    code = "E-REQUEST-TARGET"
    action = ("Requests need own_key", "in config.yaml")


class RequestPrivateError(RequestError):
    """The file holds a private key, which must never come here."""

    code = "E-REQUEST-PRIVATE"
    action = ("Replace this key pair", "its private half was", "carried about")


class RequestKeyError(RequestError):
    """The request's key is of another algorithm than the target's, or weak."""

    code = "E-REQUEST-KEY"
    action = ("Have a new key made,", "as config.yaml says")


class RequestProofError(RequestError):
    """The request is not signed by its own key, so nobody has shown to hold that key."""

    code = "E-REQUEST-PROOF"
    action = ("Do not use it. Have", "the request made anew")


class RequestUsedError(RequestError):
    """The request's key has a certificate already, is one of the box's own, or came twice."""

    code = "E-REQUEST-USED"
    action = ("A key is signed once:", "have a new one made")


class RequestGapError(RequestError):
    """The target is covered, or other requests fill its gaps already."""

    code = "E-REQUEST-GAP"
    action = ("Nothing is due: bring", "it again later")


class RequestManyError(RequestError):
    """There are more requests than are taken in one go."""

    code = "E-REQUEST-MANY"
    action = ("Bring the rest", "another time")


class RequestChangedError(RequestError):
    """What came to be signed is not what the operator was shown."""

    code = "E-REQUEST-CHANGED"
    action = ("Nothing was signed.", "Begin the job again")
