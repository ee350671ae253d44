"""Teach a network without labels what a classifier fine-tuned on few labels knows.

    tfssl distill --encoder=runs/a/encoder.keras --dataset=tfds:cifar10 \\
        --labels_per_class=25 --workdir=runs/a_distilled

The pretrained encoder is fine-tuned on the labelled images: the teacher. The student,
a network of random weights, learns on all training images, without their labels, to
say what the teacher says. It is compared with the same network trained on the labels
alone. The workdir receives the student (student.keras, images to logits), its metrics
and distillation.json. The same command again continues an interrupted run.
"""

import sys

import common
import numpy as np
import running
from absl import flags

FLAGS = flags.FLAGS
common.define_data_flags()
common.define_encoder_flags()
common.define_few_label_flags()
# For --help.
flags.adopt_module_key_flags(common)

flags.DEFINE_string(
    "workdir", None, "Folder of the run; made if it does not exist.", required=True
)
flags.DEFINE_integer(
    "steps", 400, "Updates of the teacher and of labels alone.", lower_bound=1
)
flags.DEFINE_enum(
    "student",
    None,
    list(common.REGISTRY.ENCODERS),
    "The student's network. Default: that of the teacher (self-distillation).",
)
flags.DEFINE_integer(
    "student_width",
    None,
    "Channels of --student's first stage. Default: those of the full-size network.",
    lower_bound=1,
    upper_bound=common.LARGEST_WIDTH,
)
flags.DEFINE_integer("epochs", 20, "Passes over the images.", lower_bound=1)
flags.DEFINE_integer("batch_size", 256, "Images a step.", lower_bound=2)
flags.DEFINE_float(
    "learning_rate",
    2e-3,
    "Peak learning rate of AdamW for 256 images a step.",
    lower_bound=0,
)
flags.DEFINE_float("temperature", 1.0, "Softens both; 1 does not.", lower_bound=1e-3)
flags.DEFINE_float(
    "alpha",
    1.0,
    "Weight of the teacher; the rest is the weight of the labels.",
    lower_bound=0,
    upper_bound=1,
)
flags.DEFINE_enum(
    "precision",
    "auto",
    ["auto", "float32", "mixed_bfloat16"],
    "Of --student; a copy of the teacher computes in float32, as the teacher does.",
)
flags.DEFINE_integer("seed", 0, "Seed of labels, weights and views.", lower_bound=0)


def main():
    if (FLAGS.labels_per_class is None) == (FLAGS.label_fraction is None):
        raise ValueError("Set one of --labels_per_class and --label_fraction.")
    if FLAGS.student_width and not FLAGS.student:
        raise ValueError(
            "--student_width is that of --student, which is missing. Received: "
            f"--student_width={FLAGS.student_width}"
        )
    if FLAGS.precision == "mixed_bfloat16" and not FLAGS.student:
        raise ValueError(
            "--precision is that of --student, which is missing. Received: "
            f"--precision={FLAGS.precision}"
        )
    # The teacher computes in float32, the student as asked.
    running.start("float32", seed=FLAGS.seed)
    from tfssl import methods, runs, transfer

    encoder = common.load_encoder(FLAGS.encoder, FLAGS.head_layer)
    train, test = common.load_labelled(encoder.input_shape[1], keep_unlabelled=True)
    recipe = methods.Recipe(
        optimizer="adamw",
        learning_rate=FLAGS.learning_rate,
        weight_decay=1e-2,
        batch_size=FLAGS.batch_size,
        epochs=FLAGS.epochs,
    )
    classes = int(train.labels.max()) + 1
    rows = transfer.few_label_indices(
        train.labels, FLAGS.labels_per_class, FLAGS.label_fraction, FLAGS.seed
    )
    labelled = train.images[rows], train.labels[rows]
    student_encoder = make_student(encoder, train.images.shape[1])
    # A refused argument leaves no folder behind.
    recipe.total_steps(len(train))
    run = runs.Workdir(
        FLAGS.workdir,
        {
            **common.flag_values(common, sys.modules[__name__]),
            "method": "distillation",
            "num_images": len(train.images),
        },
    )
    with runs.alone(run.path):
        teacher = saved(
            run,
            "teacher",
            lambda: fine_tuned(encoder, classes, labelled, "finetuned"),
        )
        alone = saved(
            run,
            "labels_alone",
            lambda: fine_tuned(student_encoder, classes, labelled, "scratch"),
        )
        runs.set_up(FLAGS.precision if FLAGS.student else "float32", seed=FLAGS.seed)
        student = transfer.classifier(
            make_student(encoder, train.images.shape[1]), classes
        )
        model = transfer.Distillation(
            student,
            teacher,
            temperature=FLAGS.temperature,
            alpha=FLAGS.alpha,
            seed=FLAGS.seed,
        )
        model.compile(recipe.make_optimizer(len(train.images), recipe.epochs))
        position = run.restore(model)
        if position != runs.START:
            print(f"Continuing {FLAGS.workdir} after {position} of {FLAGS.epochs}.")
        if position.epoch < FLAGS.epochs:
            with runs.termination() as terminated:
                model.fit(
                    unlabelled(train, rows, position),
                    epochs=FLAGS.epochs,
                    initial_epoch=position.epoch,
                    initial_step=position.step,
                    callbacks=run.callbacks(position, terminated=terminated),
                    verbose=1 if sys.stdout.isatty() else 2,
                )
        finish(run, teacher, alone, model.student, test, len(rows))


def make_student(encoder, image_size):
    """The student's network, with random weights."""
    from tfssl import encoders, transfer

    if FLAGS.student is None:
        return transfer.reinitialized(encoder)
    width = {} if FLAGS.student_width is None else {"width": FLAGS.student_width}
    return encoders.encoder(FLAGS.student, image_size, **width)


def fine_tuned(encoder, classes, labelled, mode):
    """A classifier trained on the labelled images."""
    from tfssl import transfer

    print(f"Training on {len(labelled[0])} labelled images ({mode}) ...")
    trainer = transfer.FewLabelTrainer(encoder, classes, FLAGS.steps)
    return trainer.fit(*labelled, mode, seed=FLAGS.seed)


def saved(run, name, make):
    """A model of the workdir; made and saved the first time."""
    path = run.path / f"{name}.keras"
    if not path.exists():
        run.save_model(make(), name)
    return common.load_model(str(path))


def unlabelled(train, rows, position):
    """All training images, with the labels of the labelled ones if they are used."""
    from tfssl import training

    labels = None
    if FLAGS.alpha < 1:
        labels = np.full(len(train.images), -1, "int64")
        labels[rows] = train.labels[rows]
    return training.Batches(
        train.images,
        labels,
        batch_size=FLAGS.batch_size,
        seed=FLAGS.seed,
        epoch=position.epoch,
        start=position.step,
    )


def finish(run, teacher, alone, student, test, labelled_images):
    """Saves the student and what all three are worth on the test images."""
    from tfssl import transfer
    from tfssl.encoders import in_float32

    student = in_float32(student)
    run.save_model(student, "student")
    models = {"teacher": teacher, "distilled": student, "labels_alone": alone}
    predicted = {
        name: transfer.predict(model, test.images).argmax(axis=1)
        for name, model in models.items()
    }
    results = [
        transfer.Result(
            name,
            float(np.mean(classes == test.labels)),
            settings={
                "labelled_images": labelled_images,
                "test_images": len(test.labels),
                "agreement_with_teacher": float(
                    np.mean(classes == predicted["teacher"])
                ),
                "parameters": models[name].count_params(),
            },
        )
        for name, classes in predicted.items()
    ]
    print(transfer.table(results))
    output = run.path / "distillation.json"
    transfer.write_results(
        output, results, encoder=FLAGS.encoder, dataset=FLAGS.dataset
    )
    print(f"Wrote {output}")
    for result in results[1:]:
        agreement = result.settings["agreement_with_teacher"]
        print(f"{result.protocol} agrees with the teacher on {agreement:.4f}")
    run.record(finished=True)


if __name__ == "__main__":
    running.run(main)
