"""Whether a formula of a whole is the sum of the formula of its parts; pure."""

from ioc.kpi.expression import Chain, Name, Node, Number, Operation


def is_additive(node: Node) -> bool:
    """Whether days, and units, can be added up after the formula as well as before it.

    Sums and differences of measures are, and such times or over a number. A minimum, a condition
    or a quotient of measures is not.
    """
    match node:
        case Name():
            return True
        case Number():
            return False
        case Operation():
            return node.sign == "-" and len(node.of) == 1 and is_additive(node.of[0])
        case Chain():
            rights = [step.right for step in node.steps]
            if all(step.sign in "+-" for step in node.steps):
                return is_additive(node.first) and all(map(is_additive, rights))
            if all(isinstance(right, Number) for right in rights):
                return is_additive(node.first)
            return (
                isinstance(node.first, Number)
                and len(node.steps) == 1
                and node.steps[0].sign == "*"
                and is_additive(rights[0])
            )
