"""What to say of a recipe before a run starts."""


def summary(recipe, num_images, encoder=None):
    """A recipe in a line: what will be trained, and for how long.

    Args:
        recipe: `Recipe`.
        num_images: int, images of the training set.
        encoder: `keras.Model` that is trained on, or None for the recipe's.

    Returns:
        String.

    Example:
        >>> import tfssl
        >>> from tfssl.methods.advice import summary
        >>> recipe = tfssl.methods.recipe("simclr", 32, "cifar").replace(epochs=10)
        >>> print(summary(recipe, num_images=1000).partition(",")[0])
        cifar: resnet18 of width 64 on 32 px
    """
    network = f"{recipe.encoder} of width {recipe.encoder_width or recipe.own_width}"
    warmup = f", warm-up {recipe.warmup():g} epochs"
    return (
        f"{recipe.preset}: {network if encoder is None else encoder.name} on "
        f"{recipe.image_size} px, {recipe.epochs} epochs of "
        f"{num_images // recipe.batch_size} steps of {recipe.batch_size} images, "
        f"{recipe.optimizer}{'' if recipe.milestones is not None else warmup}"
    )


def concerns(recipe, num_images):
    """What will probably go wrong with a recipe on so many images.

    Args:
        recipe: `Recipe`.
        num_images: int, images of the training set.

    Returns:
        List of strings, a sentence or two each; empty if there is nothing to say.

    Example:
        >>> import tfssl
        >>> from tfssl.methods.advice import concerns
        >>> recipe = tfssl.methods.recipe("simclr", 32, "cifar")
        >>> print(*concerns(recipe, num_images=2400), sep="\\n")
        An epoch has only 9 steps: choose a smaller batch.
    """
    found = []
    steps, left_out = divmod(num_images, recipe.batch_size)
    if steps < 10:
        found.append(
            f"An epoch has only {steps} step{'s' * (steps != 1)}: choose a smaller "
            "batch."
        )
    if left_out > 0.05 * num_images:
        found.append(
            f"Each epoch leaves out {left_out:,} of {num_images:,} images, the rest of "
            "the last batch: choose a smaller batch."
        )
    if recipe.milestones is None and recipe.warmup() > 0.2 * recipe.epochs > 0:
        found.append(
            f"The warm-up is {recipe.warmup():g} of {recipe.epochs} epochs, more "
            "than a fifth: choose a shorter one, or more epochs."
        )
    return found
