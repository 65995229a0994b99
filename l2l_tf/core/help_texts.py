"""What each command says with --help. Written by `python -m tools.flag_names`."""

HELP_TEXTS = {
    "convert": r"""
l2l-convert: published weights of other learned optimizers as a preset.

It needs --source, --weights, a file that the authors publish, and --output.

Examples:

    l2l-convert --source=celo --weights=celo_weights.npz --output=presets/celo

What to convert:
  --source
      Whose weights. One of celo, celo_adam, celo2.
  --weights
      The .npz file, one array per name of the authors.
  --output
      The preset directory to write.

More:
  --import
      Module to import first, so that the rules, tasks, estimators and baselines that it
      registers are known; from the working directory or installed. Repeatable.
  --orthogonalize, --noorthogonalize
      Celo2 only: with orthogonalised matrices (Celo2) or without (Celo2-base). Default:
      True.

Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last line
says; 130 interrupted by Ctrl-C, 143 by a request to stop.
""",
    "demo": r"""
l2l-demo: meta-train an LSTM on digits, compare it with tuned baselines, export a training.

A few minutes; nothing has to be given, and nothing is downloaded. The grids of learning rates are
coarser than those of `l2l-evaluate`: two rates a decade from 1e-3 to 1, one seed each, extended
while the best is at an edge.

Examples:

    l2l-demo
    l2l-demo --meta_steps=4000 --output_dir=runs/demo

How long, and where to:
  --meta_steps
      Meta-updates of the LSTM. Default: 1200.
  --output_dir
      Directory for all that it writes. Default: demo_output.

More:
  --import
      Module to import first, so that the rules, tasks, estimators and baselines that it
      registers are known; from the working directory or installed. Repeatable.

Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last line
says; 130 interrupted by Ctrl-C, 143 by a request to stop.
""",
    "evaluate": r"""
l2l-evaluate: learned optimizers beside tuned hand-crafted ones.

It needs --output_dir, and --task or --suite; --preset and --contender name what is compared with
the --baselines, each of which has its learning rate tuned first, on other seeds. Finished runs are
kept: an interrupted command goes on when it is given again. The first line below takes minutes and
needs no download.

Examples:

    l2l-evaluate --preset=lstm-digits --task=digits_mlp --steps=100 --output_dir=runs/evaluated
    l2l-evaluate --preset=runs/first/preset --task='digits_mlp(hidden=20)' --baselines=adam \
        --output_dir=runs/first-evaluated
    l2l-evaluate --suite=general --quick --contender=runs/first/preset \
        --cache_dir=runs/suite --output_dir=runs/first-judged
    l2l-evaluate --results=runs/evaluated/results.json --report=cost --output_dir=runs/evaluated

Tasks: cart_pole, cifar10_conv, conditioned_quadratic, diabetes_mlp, digits_mlp, fashion_mlp,
    highway_net, image_attention, image_autoencoder, image_conv, image_mlp, image_patches,
    image_tokens, logistic_regression, mnist_mlp, neural_art, quadratic, quadratic_uniform,
    residual_net, row_rnn.
Presets: gac-lstm-mnist, lstm-cifar10, lstm-cifar10-sub, lstm-digits, lstm-digits-held-out,
    lstm-families, lstm-mnist, lstm-neural-art, lstm-quadratic, lstm-quadratic-uniform,
    mixture-general, ntm-bfgs-quadratic, ntm-lbfgs-quadratic, rnnprop-families,
    rnnprop-general, spectral-general.
Baselines: adagrad, adam, adam_cosine, adam_default, adamw, adamw_cosine, dowg, lion,
    momentum, muon, muon_cosine, nadam, nesterov, prodigy, rmsprop, rprop,
    schedule_free_adamw, sgd.
Rules, for --contender: adam, annealed, celo, celo2, celo_adam, centred, dowg, gac_lstm,
    guarded, lazy, lstm, mixture, momentum, ntm_bfgs, ntm_lbfgs, partition, prodigy, rnnprop,
    rprop, sgd, spectral.

On a task (--task and --output_dir are needed):
  --task
      Task, as 'name(argument=value,…)'; of a suite: the name of one of its tasks.
      Repeatable.
  --preset
      Name of a preset, or a preset directory; repeatable.
  --output_dir
      Directory for results.csv, results.json, curves.png.
  --steps
      Steps per run. Default: 100.
  --seeds
      Reported runs per optimizer. Default: 5.
  --baselines
      Hand-crafted optimizers of those above, each tuned, with commas between. Empty:
      none. Default: sgd, momentum, nesterov, adagrad, rmsprop, rprop, adam, adamw.
  --known_horizon, --noknown_horizon
      Give presets the length of the run (total_steps). Default: False.

On a suite:
  --suite
      Judge on all tasks of a suite; see --half. One of general, middle.
  --half
      Half of the suite: for choices, or for figures that are published. One of
      development, report. Default: development.
  --quick, --noquick
      A first look at the suite: a fifth of the steps, three rates, two seeds, fewer
      baselines. Default: False.
  --contender
      Optimizer as [NAME=]SOURCE[@known_horizon]: a preset's name or directory, a rule
      with its arguments, or rule:NAME(…) with untrained weights; @known_horizon: it
      knows the length of the run. Repeatable.
  --stretch
      Factor on the steps of the suite's tasks. Default: 1.0.
  --cache_dir
      Directory of finished runs; default: OUTPUT_DIR/runs.

Reports:
  --html, --nohtml
      Write page.html too: one file with tables, interactive curves and a heat map.
      Default: False.
  --report
      A report more. cost: what a step costs beside tuned Adam's and when that pays
      back, in steps and in seconds; printed, and written as cost.csv. One of cost.
  --results
      results.json or suite.json of an earlier evaluation, packed by xz or not, to make
      page.html of, and what --report says; nothing is run. Repeatable: comparisons on
      other tasks, side by side.

The learning rates that baselines are tuned over:
  --grid_low
      Smallest learning rate. Default: 1e-07.
  --grid_high
      Largest learning rate. Default: 1.0.
  --grid_per_decade
      Learning rates per factor of ten. Default: 2.
  --grid_extend
      Most rates added at either end of the grid while the best one lies there. Default:
      8.
  --grid_seeds
      Runs per learning rate, on seeds that are not reported. Default: 2.
  --tune_for
      Final loss that the grid is judged by; the held-out one is of the validation
      split. One of train_loss, held_out_loss. Default: train_loss.

More:
  --import
      Module to import first, so that the rules, tasks, estimators and baselines that it
      registers are known; from the working directory or installed. Repeatable.
  --functions
      Functions per run, for tasks without data such as quadratics: losses are their
      means. Default: 1.
  --records
      Recorded steps besides the start, evenly spaced. Default: 20.
  --report_rows
      Most rows of a split in a report, the first ones; 0: all. Default: 10000.
  --jit_compile, --nojit_compile
      Compile steps with XLA, or, by --nojit_compile, not; default: for tasks whose
      batches are drawn by TensorFlow, which are compiled once and then run faster.
  --seed
      Seed that all others come from. Default: 0.

Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last line
says; 130 interrupted by Ctrl-C, 143 by a request to stop.
""",
    "export": r"""
l2l-export: a SavedModel that needs only TensorFlow, or a file that trains on a device.

It needs --output_dir, and the compiled --model whose training is exported, or else the --preset or
--rule whose step is: without a model, and for a rule that looks at whole tensors, as the default
does, --shapes too.

Examples:

    l2l-export --model=model.keras --output_dir=training
    l2l-export --model=model.keras --kind=litert --batch_size=8 --output_dir=device
    l2l-export --preset=runs/first/preset --output_dir=step
    l2l-export --shapes='784x20;20;20x10;10' --output_dir=step_of_the_default

Presets: gac-lstm-mnist, lstm-cifar10, lstm-cifar10-sub, lstm-digits, lstm-digits-held-out,
    lstm-families, lstm-mnist, lstm-neural-art, lstm-quadratic, lstm-quadratic-uniform,
    mixture-general, ntm-bfgs-quadratic, ntm-lbfgs-quadratic, rnnprop-families,
    rnnprop-general, spectral-general.
Rules: adam, annealed, celo, celo2, celo_adam, centred, dowg, gac_lstm, guarded, lazy, lstm,
    mixture, momentum, ntm_bfgs, ntm_lbfgs, partition, prodigy, rnnprop, rprop, sgd, spectral.

What to export:
  --model
      Compiled model (.keras) to export with its training instead of a preset's step.
  --preset
      Preset, by name or directory, whose step is exported; default: the shipped
      default.
  --rule
      Rule or preset whose step is exported instead, such as 'adam(beta_1=0.8)'.
  --output_dir
      New or empty directory.
  --kind
      SavedModel, or OUTPUT_DIR/training.tflite with a --model's training in LiteRT's
      operations. One of savedmodel, litert. Default: savedmodel.

For a device (--kind=litert):
  --batch_size
      Rows of a batch on a device. Default: 32.

Of a preset's step:
  --shapes
      Shapes of the parameters, as '3x4;4;scalar', for rules that look at whole tensors,
      which need them; default: one vector of any length.
  --learning_rate
      Multiplies the updates of the step; for a rule with a rate of its own, that rate.

More:
  --import
      Module to import first, so that the rules, tasks, estimators and baselines that it
      registers are known; from the working directory or installed. Repeatable.

Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last line
says; 130 interrupted by Ctrl-C, 143 by a request to stop.
""",
    "presets": r"""
l2l-presets: a table of the presets, or the model card of one.

Examples:

    l2l-presets
    l2l-presets --card=lstm-digits

What to show:
  --card
      Preset (name or directory) to show.
  --names, --nonames
      Only the names, one a line. Default: False.

More:
  --import
      Module to import first, so that the rules, tasks, estimators and baselines that it
      registers are known; from the working directory or installed. Repeatable.

Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last line
says; 130 interrupted by Ctrl-C, 143 by a request to stop.
""",
    "search": r"""
l2l-search: random search of the learning rate of `l2l-train`'s Adam.

Every draw is a run of `l2l-train` with the other flags, in a directory of its own; the one with the
least validation score is kept as `preset/`, all are listed in `search.csv`. With `--patience` a run
stops early where validation no longer improves. `--resume` goes on where a search stopped, also
with more draws. It needs --task and --output_dir, as l2l-train does.

Examples:

    l2l-search --rule=lstm --task=digits_mlp --draws=8 --patience=4 --output_dir=runs/search
    l2l-search --rule=lstm --task=digits_mlp --draws=16 --patience=4 --output_dir=runs/search \
        --resume

Tasks: cart_pole, cifar10_conv, conditioned_quadratic, diabetes_mlp, digits_mlp, fashion_mlp,
    highway_net, image_attention, image_autoencoder, image_conv, image_mlp, image_patches,
    image_tokens, logistic_regression, mnist_mlp, neural_art, quadratic, quadratic_uniform,
    residual_net, row_rnn.
Rules: adam, annealed, celo, celo2, celo_adam, centred, dowg, gac_lstm, guarded, lazy, lstm,
    mixture, momentum, ntm_bfgs, ntm_lbfgs, partition, prodigy, rnnprop, rprop, sgd, spectral.
Presets: gac-lstm-mnist, lstm-cifar10, lstm-cifar10-sub, lstm-digits, lstm-digits-held-out,
    lstm-families, lstm-mnist, lstm-neural-art, lstm-quadratic, lstm-quadratic-uniform,
    mixture-general, ntm-bfgs-quadratic, ntm-lbfgs-quadratic, rnnprop-families,
    rnnprop-general, spectral-general.
Estimators of the meta-gradient:
    bptt: Truncated BPTT of Andrychowicz et al. (2016): exact within an unroll, 0 across.
    es: Antithetic evolution strategies on truncations, one perturbation per task.
    imitation: Gradients of the distance between a rule's updates and a teacher's.
    lookahead: Each update is corrected by the gradient at the point where it arrives.
    pes: PES of Vicol, Metz & Sohl-Dickstein (2021), arXiv 2112.13835.
    reinforce: The policy gradient of Williams (1992), which never differentiates the loss
        itself.

The search:
  --draws
      Meta-learning rates to try. Default: 8.
  --min_rate
      Least meta-learning rate. Default: 1e-05.
  --max_rate
      Greatest meta-learning rate. Default: 0.01.

What to train (--task and --output_dir are needed):
  --task
      Task to train on, as 'name(argument=value,…)'; repeatable.
  --rule
      Rule, as 'name(argument=value,…)', or a preset; default: that of --start_from, or
      else lstm.
  --output_dir
      Directory of the run.
  --start_from
      Preset (name or directory) or rule to start from; with --rule, its weights in
      another rule, such as those of an lstm in partition or gac_lstm.
  --partner
      With --meta_optimizer=dual the second rule or preset, which is trained in turn;
      default: the one that is trained, once more.
  --resume, --noresume
      Continue from the newest valid checkpoint. Default: False.
  --validation_task
      Task to validate on; default: the tasks trained on, with other seeds. Repeatable.

The run:
  --meta_steps
      Meta-updates in all. Default: 1000.
  --meta_optimizer
      What meta-gradients are given to: adam; preset:NAME, a learned optimizer; self,
      the rule as it is in training; dual, a second one (--partner), which this one
      trains in turn. Default: adam.
  --meta_update_scale
      Factor of the updates of a meta-optimizer that is learned. Default: 1.0.
  --clip_norm
      Largest global norm of a meta-gradient. Default: 1.0.
  --ema_decay
      Decay of the exponential moving average of the meta-parameters that is validated
      and kept; after t meta-steps at most (1 + t) / (10 + t). 0: none. Default: 0.0.
  --trajectory
      Length of an optimizee's run; repeated: a curriculum, in the order given. Default:
      100.
  --trajectory_sampling
      Whether a run has its curriculum's length, or one drawn from the unroll up to it.
      One of fixed, log_uniform. Default: fixed.
  --validation_trajectory
      Steps of a validation; 0: the longest. Default: 0.
  --validate_every
      Meta-steps between validations. Default: 100.
  --num_validation_tasks
      Optimizees per validation task. Default: 8.
  --patience
      Validations without improvement before stopping; 0: never. Default: 0.
  --checkpoint_every
      Meta-steps between checkpoints. Default: 100.
  --refresh
      Which unrolls of a run have a meta-gradient: always; growing, its 1st, 2nd, 4th,
      8th …; plateau, where the loss no longer falls. The others only train the
      optimizees. One of always, growing, plateau. Default: always.
  --refresh_gap
      Unrolls from a meta-gradient to the next, at most (growing, plateau). Default: 8.
  --seed
      Seed of everything. Default: 0.
  --jit_compile, --nojit_compile
      Compile meta-steps with XLA, for tasks that gain by it (`Task.jit_compile`). That
      takes seconds to minutes at the start; --nojit_compile, for short runs, does
      without it. Default: True.

Tasks in other units:
  --random_scaling
      Largest |log c| of a factor c. Default: 0.0.
  --scaling_level
      What shares a factor. One of coordinate, tensor, global. Default: coordinate.
  --scaling_share
      Share of optimizees that are rescaled. Default: 1.0.

The meta-gradient:
  --estimator
      Estimator of the meta-gradient, of those above; flags with its name in brackets
      are its own. Default: bptt.
  --unroll
      Optimizee steps per meta-update (paper: 20). Default: 20.
  --num_tasks
      Optimizees trained side by side in a meta-step. Default: 4.
  --loss_weights
      Weights w_t of the losses of an unroll (`meta.objective`). One of all, final,
      linear. Default: all.
  --meta_loss_split
      Where the meta-loss is measured: on the batch that is trained on next (the
      paper's), on a fresh one of the training rows, or on one of the validation rows.
      One of same, fresh, held_out. Default: same.
  --log_loss, --nolog_loss
      Meta-loss of log f(θ_t) instead of f(θ_t), which weighs relative progress alike at
      every size of the loss. Default: False.
  --log_floor
      Added to f before its logarithm: below it, progress counts less. Default: 1e-10.
  --known_horizon
      Share of the trajectories whose length (`total_steps`) the rule knows. Default:
      1.0.
  --wrong_horizon
      Share of the known lengths that are wrong, as users' epochs are: by a factor
      between 1/3 and 30, log-uniform. Default: 0.0.
  --second_derivatives, --nosecond_derivatives
      Differentiate the optimizee's gradients too; the paper does not (bptt). Default:
      False.
  --gradient_checkpointing
      Gradient checkpointing: steps k, a divisor of the unroll, of which one state is
      kept and the others are computed again, for less memory and more time; 0: none
      (bptt). Default: 0.
  --sigma
      Perturbations' size σ (es, pes). Default: 0.01.
  --teacher
      Rule or preset whose updates are learned (imitation), such as lstm-digits.
      Default: adam(learning_rate=0.01).
  --trust
      What a target is at most away from an update, over the update's length
      (lookahead). Default: 1.0.
  --rollouts
      Runs of each optimizee; their returns are each other's baseline (reinforce).
      Default: 4.
  --exploration
      Noise on a variable's update, over the update's root mean square (reinforce).
      Default: 0.3.
  --discount
      What a reward counts one step later (reinforce). Default: 0.9.
  --time_cost
      What a step costs until the loss is at its goal (reinforce). Default: 0.0.
  --goal
      The goal, over the loss at the trajectory's beginning (reinforce). Default: 0.01.

More:
  --import
      Module to import first, so that the rules, tasks, estimators and baselines that it
      registers are known; from the working directory or installed. Repeatable.
  --strategy
      Over what the optimizees of a meta-step are spread: this device alone, all GPUs of
      this machine, or the workers of TF_CONFIG (docs/distributed.md). One of none,
      mirrored, multi_worker. Default: none.

Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last line
says; 130 interrupted by Ctrl-C, 143 by a request to stop.
""",
    "train": r"""
l2l-train: meta-train a rule on tasks and write a preset.

Meta-training looks for the weights of an update rule by training many small models, the tasks,
with it. It needs --task, which may have arguments, and --output_dir, where checkpoints, summaries
and the preset go; the preset is what LearnedOptimizer(preset="runs/first/preset") takes. What is
not said has a default. The first line below takes minutes and needs no download.

Examples:

    l2l-train --rule=lstm --task='digits_mlp(hidden=20)' --output_dir=runs/first
    l2l-train --rule=rnnprop --task=digits_mlp --task=quadratic --meta_steps=4000 \
        --trajectory=200 --output_dir=runs/two
    l2l-train --start_from=lstm-digits --task=row_rnn --estimator=pes --output_dir=runs/third

Tasks: cart_pole, cifar10_conv, conditioned_quadratic, diabetes_mlp, digits_mlp, fashion_mlp,
    highway_net, image_attention, image_autoencoder, image_conv, image_mlp, image_patches,
    image_tokens, logistic_regression, mnist_mlp, neural_art, quadratic, quadratic_uniform,
    residual_net, row_rnn.
Rules: adam, annealed, celo, celo2, celo_adam, centred, dowg, gac_lstm, guarded, lazy, lstm,
    mixture, momentum, ntm_bfgs, ntm_lbfgs, partition, prodigy, rnnprop, rprop, sgd, spectral.
Presets: gac-lstm-mnist, lstm-cifar10, lstm-cifar10-sub, lstm-digits, lstm-digits-held-out,
    lstm-families, lstm-mnist, lstm-neural-art, lstm-quadratic, lstm-quadratic-uniform,
    mixture-general, ntm-bfgs-quadratic, ntm-lbfgs-quadratic, rnnprop-families,
    rnnprop-general, spectral-general.
Estimators of the meta-gradient:
    bptt: Truncated BPTT of Andrychowicz et al. (2016): exact within an unroll, 0 across.
    es: Antithetic evolution strategies on truncations, one perturbation per task.
    imitation: Gradients of the distance between a rule's updates and a teacher's.
    lookahead: Each update is corrected by the gradient at the point where it arrives.
    pes: PES of Vicol, Metz & Sohl-Dickstein (2021), arXiv 2112.13835.
    reinforce: The policy gradient of Williams (1992), which never differentiates the loss
        itself.

What to train (--task and --output_dir are needed):
  --task
      Task to train on, as 'name(argument=value,…)'; repeatable.
  --rule
      Rule, as 'name(argument=value,…)', or a preset; default: that of --start_from, or
      else lstm.
  --output_dir
      Directory of the run.
  --start_from
      Preset (name or directory) or rule to start from; with --rule, its weights in
      another rule, such as those of an lstm in partition or gac_lstm.
  --partner
      With --meta_optimizer=dual the second rule or preset, which is trained in turn;
      default: the one that is trained, once more.
  --resume, --noresume
      Continue from the newest valid checkpoint. Default: False.
  --validation_task
      Task to validate on; default: the tasks trained on, with other seeds. Repeatable.

The run:
  --meta_steps
      Meta-updates in all. Default: 1000.
  --meta_learning_rate
      Adam's learning rate, decayed to a tenth along a cosine. Default: 0.003.
  --meta_optimizer
      What meta-gradients are given to: adam; preset:NAME, a learned optimizer; self,
      the rule as it is in training; dual, a second one (--partner), which this one
      trains in turn. Default: adam.
  --meta_update_scale
      Factor of the updates of a meta-optimizer that is learned. Default: 1.0.
  --clip_norm
      Largest global norm of a meta-gradient. Default: 1.0.
  --ema_decay
      Decay of the exponential moving average of the meta-parameters that is validated
      and kept; after t meta-steps at most (1 + t) / (10 + t). 0: none. Default: 0.0.
  --trajectory
      Length of an optimizee's run; repeated: a curriculum, in the order given. Default:
      100.
  --trajectory_sampling
      Whether a run has its curriculum's length, or one drawn from the unroll up to it.
      One of fixed, log_uniform. Default: fixed.
  --validation_trajectory
      Steps of a validation; 0: the longest. Default: 0.
  --validate_every
      Meta-steps between validations. Default: 100.
  --num_validation_tasks
      Optimizees per validation task. Default: 8.
  --patience
      Validations without improvement before stopping; 0: never. Default: 0.
  --checkpoint_every
      Meta-steps between checkpoints. Default: 100.
  --refresh
      Which unrolls of a run have a meta-gradient: always; growing, its 1st, 2nd, 4th,
      8th …; plateau, where the loss no longer falls. The others only train the
      optimizees. One of always, growing, plateau. Default: always.
  --refresh_gap
      Unrolls from a meta-gradient to the next, at most (growing, plateau). Default: 8.
  --seed
      Seed of everything. Default: 0.
  --jit_compile, --nojit_compile
      Compile meta-steps with XLA, for tasks that gain by it (`Task.jit_compile`). That
      takes seconds to minutes at the start; --nojit_compile, for short runs, does
      without it. Default: True.

Tasks in other units:
  --random_scaling
      Largest |log c| of a factor c. Default: 0.0.
  --scaling_level
      What shares a factor. One of coordinate, tensor, global. Default: coordinate.
  --scaling_share
      Share of optimizees that are rescaled. Default: 1.0.

The meta-gradient:
  --estimator
      Estimator of the meta-gradient, of those above; flags with its name in brackets
      are its own. Default: bptt.
  --unroll
      Optimizee steps per meta-update (paper: 20). Default: 20.
  --num_tasks
      Optimizees trained side by side in a meta-step. Default: 4.
  --loss_weights
      Weights w_t of the losses of an unroll (`meta.objective`). One of all, final,
      linear. Default: all.
  --meta_loss_split
      Where the meta-loss is measured: on the batch that is trained on next (the
      paper's), on a fresh one of the training rows, or on one of the validation rows.
      One of same, fresh, held_out. Default: same.
  --log_loss, --nolog_loss
      Meta-loss of log f(θ_t) instead of f(θ_t), which weighs relative progress alike at
      every size of the loss. Default: False.
  --log_floor
      Added to f before its logarithm: below it, progress counts less. Default: 1e-10.
  --known_horizon
      Share of the trajectories whose length (`total_steps`) the rule knows. Default:
      1.0.
  --wrong_horizon
      Share of the known lengths that are wrong, as users' epochs are: by a factor
      between 1/3 and 30, log-uniform. Default: 0.0.
  --second_derivatives, --nosecond_derivatives
      Differentiate the optimizee's gradients too; the paper does not (bptt). Default:
      False.
  --gradient_checkpointing
      Gradient checkpointing: steps k, a divisor of the unroll, of which one state is
      kept and the others are computed again, for less memory and more time; 0: none
      (bptt). Default: 0.
  --sigma
      Perturbations' size σ (es, pes). Default: 0.01.
  --teacher
      Rule or preset whose updates are learned (imitation), such as lstm-digits.
      Default: adam(learning_rate=0.01).
  --trust
      What a target is at most away from an update, over the update's length
      (lookahead). Default: 1.0.
  --rollouts
      Runs of each optimizee; their returns are each other's baseline (reinforce).
      Default: 4.
  --exploration
      Noise on a variable's update, over the update's root mean square (reinforce).
      Default: 0.3.
  --discount
      What a reward counts one step later (reinforce). Default: 0.9.
  --time_cost
      What a step costs until the loss is at its goal (reinforce). Default: 0.0.
  --goal
      The goal, over the loss at the trajectory's beginning (reinforce). Default: 0.01.

More:
  --import
      Module to import first, so that the rules, tasks, estimators and baselines that it
      registers are known; from the working directory or installed. Repeatable.
  --strategy
      Over what the optimizees of a meta-step are spread: this device alone, all GPUs of
      this machine, or the workers of TF_CONFIG (docs/distributed.md). One of none,
      mirrored, multi_worker. Default: none.

Exit codes: 0 done; 1 done, with nothing to keep; 2 something to correct, which the last line
says; 130 interrupted by Ctrl-C, 143 by a request to stop.
""",
}
