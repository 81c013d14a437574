"""Choose the members on the API pages, and resolve links by short names."""

from sphinx.util.nodes import make_refnode


def skip(app, what, name, obj, would_skip, options):
    """Skip members inherited from other packages, such as scikit-learn's ``set_output``; None keeps autodoc's choice."""
    function = getattr(obj, "fget", None) or getattr(obj, "func", None) or obj  # of a property, the function behind it
    return None if str(getattr(function, "__module__", "")).startswith("sktimbre") else True


def resolve(app, env, node, content):
    """Return a link to the one documented object whose name ends in the target, if there is exactly one.

    For example, `TimbreTransfer` in a docstring of any module links to sktimbre.TimbreTransfer.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removeprefix("~")
    objects = env.domains["py"].objects.items()
    found = {name: entry for name, entry in objects if name.endswith(f".{target}") and not entry.aliased}
    if len(found) != 1:
        return None
    [(name, entry)] = found.items()
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, name)


def setup(app):
    """Register with Sphinx."""
    app.connect("autodoc-skip-member", skip)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
