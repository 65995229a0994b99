"""Data that scikit-learn ships."""


def bundled(name):
    """What scikit-learn's `load_NAME` returns, such as "digits".

    Raises:
        ImportError: If scikit-learn is not installed.
    """
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            f"The {name} tasks need scikit-learn: pip install 'l2l-tf[train]'. "
            "Received: no module sklearn"
        ) from error
    return getattr(datasets, f"load_{name}")()
