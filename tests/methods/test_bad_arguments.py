"""Bad arguments, views and batches are refused before work starts."""

import keras
import pytest
from cases import SIZE, encoder, images, make, one_view, pair, patch_encoder, views

import tfssl

pytestmark = pytest.mark.usefixtures("eager")


def build(name, **changes):
    """A small model of a method with other arguments."""
    method, make_encoder, options = SMALL[name]
    own = views() if method.num_views == 2 else one_view()
    return method(make_encoder(), **{"views": own, **options, **changes})


SMALL = {
    "byol": (tfssl.methods.BYOL, encoder, {"projector": (8, 4), "predictor": (8, 4)}),
    "cmc": (
        tfssl.methods.CMC,
        pair,
        {"contrast": "softmax", "num_images": 8, "negatives": 4},
    ),
    "context_encoder": (
        tfssl.methods.ContextEncoder,
        lambda: tfssl.encoders.context_cnn(SIZE, 4, 8),
        {"width": 4, "adversarial_weight": 0},
    ),
    "cpc": (
        tfssl.methods.CPC,
        lambda: tfssl.encoders.patch_grid(patch_encoder(), SIZE, 2),
        {"filters": 4, "blocks": 1},
    ),
    "dim": (
        tfssl.methods.DeepInfoMax,
        lambda: tfssl.encoders.dim_cnn(SIZE, 4, 8),
        {"units": 4, "prior_weight": 0},
    ),
    "dino": (tfssl.methods.DINO, encoder, {"head": (8, 4), "views": views()}),
    "moco": (tfssl.methods.MoCo, encoder, {"queue_size": 8}),
    "simclr": (tfssl.methods.SimCLR, encoder, {}),
    "simclr_v2": (tfssl.methods.SimCLRv2, encoder, {}),
    "swav": (tfssl.methods.SwAV, encoder, {"projector": (8, 4), "views": views()}),
}


@pytest.mark.parametrize(
    "name, changes",
    [
        ("byol", {"momentum": 1.5}),
        ("cmc", {"temperature": 0}),
        ("cmc", {"negatives": 0}),
        ("cmc", {"bank_momentum": 1.5}),
        ("cmc", {"num_images": -3}),
        ("cmc", {"projector": 128}),
        ("context_encoder", {"adversarial_weight": 2}),
        ("context_encoder", {"overlap": 4}),
        ("context_encoder", {"overlap": -1}),
        ("context_encoder", {"overlap_weight": -1}),
        ("context_encoder", {"fill": [1, 2]}),
        ("context_encoder", {"fill": [0, 0, 300]}),
        ("cpc", {"scale": -0.1}),
        ("cpc", {"steps": [4, 4]}),
        ("cpc", {"steps": []}),
        ("cpc", {"blocks": 0}),
        ("cpc", {"filters": 0}),
        ("dim", {"local_weight": -1}),
        ("dino", {"prototypes": 0}),
        ("dino", {"teacher_temperature": 0}),
        ("dino", {"center_momentum": 1.5}),
        ("dino", {"freeze_last_layer": -1}),
        ("moco", {"temperature": -0.1}),
        ("moco", {"momentum": 1.1}),
        ("moco", {"queue_size": 0}),
        ("simclr", {"temperature": 0.0}),
        ("simclr_v2", {"temperature": 0.0}),
        ("simclr_v2", {"queue_size": -1}),
        ("simclr_v2", {"momentum": -0.1}),
        ("swav", {"prototypes": 0}),
        ("swav", {"epsilon": 0}),
        ("swav", {"freeze_prototypes": -1}),
        ("swav", {"freeze_prototypes": 1.5}),
        ("swav", {"queue_size": -1}),
        ("swav", {"queue_start": -0.1}),
    ],
)
def test_numbers_out_of_range_are_named(name, changes):
    ((argument, value),) = changes.items()
    argument = "widths" if argument == "projector" else argument
    with pytest.raises(ValueError) as error:
        build(name, **changes)
    assert str(error.value).endswith(f"Received: {argument}={value}")


def test_weights_are_not_all_zero():
    with pytest.raises(ValueError, match="Received: 0 for all"):
        build("dim", local_weight=0)


@pytest.mark.parametrize("name", ["moco", "simclr", "simclr_v2"])
def test_heads_are_models_or_widths(name):
    with pytest.raises(ValueError, match=r"at least one layer.*widths=\(\)"):
        build(name, projector=())
    with pytest.raises(ValueError, match="A head must be.*Received: 128"):
        build(name, projector=128)


@pytest.mark.parametrize("name", [n for n in sorted(SMALL) if SMALL[n][0].num_views])
def test_a_method_takes_its_number_of_views(name):
    made = tfssl.views.DigitViews(SIZE, num_views=3)
    with pytest.raises(ValueError, match=r"takes [12 or]+ views.*Received: 3$"):
        build(name, views=made)
    if name in ("cmc", "context_encoder", "cpc"):
        with pytest.raises(ValueError, match=r"takes 1 views.*Received: 2$"):
            build(name, views=tfssl.views.DigitViews(SIZE))


def test_ready_made_views_are_counted():
    model = make("simclr")
    view = images(4).astype("float32")
    assert len(model.batch_of({"views": (view, view)}).views) == 2
    with pytest.raises(ValueError, match="takes 2 views of each image. Received: 3"):
        model.batch_of({"views": (view,) * 3})


@pytest.mark.parametrize("method", [tfssl.methods.SimCLR, tfssl.methods.SimCLRv2])
def test_what_is_no_encoder_is_named(method):
    with pytest.raises(ValueError, match="must be a built keras.Model.*resnet18"):
        method("resnet18")


def test_an_encoder_of_unknown_size_needs_views():
    image = keras.Input((None, None, 3))
    any_size = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    with pytest.raises(ValueError, match=r"views=SimCLRViews\(image_size=...\)"):
        tfssl.methods.SimCLR(any_size)
    assert tfssl.methods.SimCLR(any_size, views()).feature_dim == 4


def test_a_batch_that_cannot_be_shared_out_is_refused(monkeypatch):
    plain, split = make("simclr"), make("moco_v1")
    monkeypatch.setattr(tfssl.training.Trainer, "num_replicas", 3)
    # Of 8 groups each replica has 2.
    assert (plain.batch_multiple, split.batch_multiple) == (3, 6)
    with pytest.raises(ValueError, match="devices, 3.*Received: a batch of 16"):
        plain.fit(images(16), batch_size=16)
    plain.check_batch(15)


@pytest.mark.parametrize("size", [0, "8", 8.5])
def test_batch_sizes_are_counts(size):
    model = make("simclr")
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=f"batch_size={size!r}$"):
            use(images(16), batch_size=size)


@pytest.mark.parametrize("seed", [None, "a", 1.5, -1])
def test_seeds_are_counts(seed):
    with pytest.raises(ValueError, match=f"seed must be.*seed={seed!r}$"):
        build("simclr", seed=seed)


@pytest.fixture(scope="module")
def small():
    """A model that no test trains."""
    model = tfssl.methods.SimCLR(of_inputs((SIZE, SIZE, 3)), views(), projector=(4,))
    model.compile("sgd")
    return model


@pytest.mark.parametrize("bad", [-1, 1.5, "2", True, float("nan")])
@pytest.mark.parametrize(
    "name",
    [
        "epochs",
        "initial_epoch",
        "initial_step",
        "steps_per_epoch",
        "validation_steps",
        "validation_batch_size",
        "validation_freq",
    ],
)
def test_numbers_of_fit_are_whole(small, name, bad):
    with pytest.raises(ValueError, match=f"{name} must be a whole.*{name}={bad!r}$"):
        small.fit(images(16), batch_size=8, **{name: bad})


def test_a_run_is_no_longer_than_what_counts_its_steps(small):
    with pytest.raises(ValueError, match="at most 2,147,483,647 steps.*of 2 steps$"):
        small.fit(images(16), batch_size=8, epochs=2**30)


@pytest.mark.parametrize("seed", [None, "a", -1, 1.5, True, 2**31])
def test_a_seed_is_a_number_that_an_int32_holds(seed):
    with pytest.raises(ValueError, match=f"seed must be .*Received: seed={seed!r}$"):
        build("simclr", seed=seed)


@pytest.mark.parametrize("callbacks", [[None], "a", keras.callbacks.Callback(), 3])
def test_callbacks_are_a_list_of_them(callbacks):
    with pytest.raises(ValueError, match="callbacks must be a list of.*Received: "):
        make("simclr").fit(images(16), batch_size=8, callbacks=callbacks)


def of_inputs(*shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    features = keras.layers.Flatten()(
        keras.layers.add(inputs) if inputs[1:] else inputs[0]
    )
    return keras.Model(inputs if inputs[1:] else inputs[0], features)


@pytest.mark.parametrize(
    "shapes, remedy",
    [
        ([(SIZE, SIZE, 3)] * 2, r"of a single input.*Received: .* inputs \[0, 1\]$"),
        ([(16,)], r"must begin with images.*Received: .* shape \(None, 16\)$"),
        ([(SIZE, SIZE, 1)], r"model\(image\[..., :1\]\).*Received: .*, 1\)$"),
    ],
)
def test_encoders_of_other_inputs_are_named(shapes, remedy):
    with pytest.raises(ValueError, match=remedy):
        tfssl.methods.SimCLR(of_inputs(*shapes), views())
    # What the message says to write.
    grey = of_inputs((SIZE, SIZE, 1))
    image = keras.Input((SIZE, SIZE, 3))
    fixed = keras.Model(image, grey(image[..., :1]))
    assert tfssl.methods.SimCLR(fixed, views()).feature_dim == SIZE * SIZE


def test_features_are_floats_and_some():
    image = keras.Input((SIZE, SIZE, 3))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    for output, received in (
        (keras.ops.cast(mean, "int32"), "an output of int32$"),
        (mean[:, :0], r"output shape \(None, 0\)$"),
    ):
        with pytest.raises(ValueError, match=f"to features.*Received: .*{received}"):
            tfssl.methods.SimCLR(keras.Model(image, output), views())


def test_a_list_of_transforms_makes_each_view():
    flip = tfssl.views.RandomFlip()
    for own in ([flip], (flip,), [[flip]] * 2, tfssl.views.Views([[flip]] * 2)):
        model = build("simclr", views=own)
        assert model.views == tfssl.views.Views([[flip]] * 2)
    assert len(model.batch_of(images(4)).views) == 2
    assert build("context_encoder", views=[flip]).views.num_views == 1
    with pytest.raises(ValueError, match="takes 2 views of each image. Received: 3"):
        build("simclr", views=[[flip]] * 3)


@pytest.mark.parametrize("own", [[], "a", 3, lambda images: images])
def test_what_are_no_views_is_named(own):
    with pytest.raises(
        ValueError, match=r"tfssl.views.Views\(\[\[transform.*Received:"
    ):
        build("simclr", views=own)


class Function:
    """Views that are what a function makes of the images."""

    num_views = 2

    def __init__(self, make):
        self.make = make

    def __call__(self, images, seed):
        return self.make(images)


class WithoutSeed:
    num_views = 2

    def __call__(self, images):
        return images, images


@pytest.mark.parametrize("own", [Function, WithoutSeed()])
def test_views_are_a_function_of_images_and_seed(own):
    with pytest.raises(ValueError, match="a function of images and seed with.*Rec"):
        build("simclr", views=own)


@pytest.mark.parametrize(
    "make, received",
    [
        (lambda x: x, r"of shape \(4, 16, 16, 3\) for 4"),
        (lambda x: (None, None), "None for 4"),
        (lambda x: (x, x[..., :1]), r"of shape \(4, 16, 16, 1\) for 4"),
        (lambda x: (x, x[:2]), r"of shape \(2, 16, 16, 3\) for 4"),
    ],
)
def test_what_is_no_view_of_each_image_is_named(make, received):
    model = build("simclr", views=Function(make))
    pattern = f"tuple of batches of RGB images.*Received: .*{received} images$"
    with pytest.raises(ValueError, match=pattern):
        model.batch_of(images(4))


def test_a_transform_that_returns_no_images_is_named():
    own = tfssl.views.Views([[lambda images, stream: None]])
    with pytest.raises(ValueError, match="must return images.*Received: None from <"):
        own(images(4), seed=0)


def test_layers_of_keras_are_no_transforms():
    """Their random numbers are not a function of the seed of the step."""
    flip = keras.layers.RandomFlip()
    for own in (flip, [flip], keras.Sequential([flip])):
        with pytest.raises(ValueError, match="Transform.*Received: Keras layer <"):
            build("simclr", views=own)
    for pipelines in ([[flip]], [[None]]):
        with pytest.raises(ValueError, match="stream.uniform.*Received: "):
            tfssl.views.Views(pipelines)
    for pipelines in (None, [], [None], [tfssl.views.RandomFlip()]):
        with pytest.raises(ValueError, match="a list of transforms for each view"):
            tfssl.views.Views(pipelines)
