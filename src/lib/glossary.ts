// The words and equations of the site: each method with its question, its equation, where it comes from and where it stops;
// each term in a sentence or two. Ids are anchors, and for methods the method's id.

export interface MethodEntry {
  readonly id: string;
  readonly title: string;
  readonly question: string;
  /** LaTeX, each on its own line, with what it says. */
  readonly equations: readonly { readonly latex: string; readonly says: string }[];
  readonly paper: { readonly title: string; readonly authors: string; readonly identifier: string } | null;
  readonly limits: readonly string[];
}

export interface TermEntry {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly latex?: string;
}

const SVDW = {
  title: 'The SVD of Convolutional Weights: A CNN Interpretability Framework',
  authors: 'B. Praggastis, D. Brown, C. Ortiz Marrero, E. Purvine, M. Shapiro, B. Wang, 2022',
  identifier: 'arXiv:2208.06894',
};
const LI = {
  title: 'A Tour of Convolutional Networks Guided by Linear Interpreters',
  authors: 'P. Navarrete Michelini, H. Liu, Y. Lu, X. Jiang, ICCV 2019',
  identifier: 'arXiv:1908.05168',
};
const SLP = {
  title: 'Switched linear projections for neural network interpretability',
  authors: 'L. Szymanski, B. McCane, C. Atkinson, 2019',
  identifier: 'arXiv:1909.11275',
};
const SPECXAI = {
  title: 'SpecXAI – Spectral interpretability of Deep Learning Models',
  authors: 'S. Druc, P. Wooldridge, A. Krishnamurthy, S. Sarkar, A. Balu, 2023',
  identifier: 'arXiv:2302.09949',
};

const SANITY = {
  title: 'Sanity Checks for Saliency Maps',
  authors: 'J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim, NeurIPS 2018',
  identifier: 'arXiv:1810.03292',
};

/** Where a paper can be read. */
export function paperAddress({ identifier }: { identifier: string }): string {
  return `https://arxiv.org/abs/${identifier.replace('arXiv:', '')}`;
}

export const METHODS: readonly MethodEntry[] = [
  {
    id: 'weight-directions',
    title: 'Weight directions',
    question: 'Which directions of its input does a layer listen to, and how unequally?',
    equations: [
      {
        latex: String.raw`\overline{W} = U S V^\top, \qquad W \star X = U \star \bigl(S \star (V^\top \star X)\bigr)`,
        says: 'The weights of a layer, unfolded to outputs × (channels · positions), are a matrix; its right singular vectors are filters, its left ones say how outputs combine them.',
      },
    ],
    paper: SVDW,
    limits: [
      'The spectrum is that of the unfolded weights. The convolution as a map of whole images has another one (Toeplitz form), which is given beside it where the stride is 1.',
      'Directions of equal singular value form a subspace; no single one of them has a meaning of its own.',
      'Weights alone do not say what the data ever asks of a direction: the signals of samples do.',
    ],
  },
  {
    id: 'power-law',
    title: 'Power law and capacity',
    question: 'Does the tail of the spectrum look like that of a well-trained layer?',
    equations: [
      {
        latex: String.raw`\lambda_i = \sigma_i^2, \qquad \alpha = 1 + \frac{n}{\sum_{i=1}^{n} \ln(\lambda_i / \lambda_{\text{min}})}`,
        says: 'Maximum likelihood over every candidate for the smallest value of the tail; the one with the least Kolmogorov–Smirnov distance is taken.',
      },
      {
        latex: String.raw`\hat\alpha_{\text{paper}} = \sum_l \alpha_l \ln \lambda_{\text{max},l}, \quad \hat\alpha_{\text{ddp}} = \tfrac1L \sum_l \alpha_l \ln\tfrac{\lambda_{\text{max},l}}{d_l}, \quad \hat\alpha_{\text{ww}} = \tfrac1L \sum_l \alpha_l \log_{10} \lambda_{\text{max},l}`,
        says: 'Three conventions for one number over all layers; they differ and must not be mixed.',
      },
    ],
    paper: SVDW,
    limits: [
      'A fit to fewer than 50 eigenvalues is uncertain, and below 10 none is made.',
      'A small distance does not prove a power law: other heavy tails fit as well.',
      'α compares trainings of one architecture; across architectures it says little.',
    ],
  },
  {
    id: 'class-hierarchy',
    title: 'Class hierarchy',
    question: 'Which classes share directions of a layer, and which directions set them apart?',
    equations: [
      {
        latex: String.raw`\operatorname{signal}_k(x) = \operatorname*{mean}_j\; u_k^\top (y_j - b), \qquad k \in e_c \iff \Pr_{x \in c}\bigl[\operatorname{signal}_k(x) > q\bigr] \ge p`,
        says: 'A direction belongs to a class when its signal is above the q-quantile in at least the share p of the class; directions with the same classes form one group, and groups are ordered by inclusion.',
      },
    ],
    paper: SVDW,
    limits: [
      'The groups depend on the two thresholds, which are stated beside them.',
      'With few samples per class, chance decides near the thresholds.',
    ],
  },
  {
    id: 'similarity-overlays',
    title: 'Similarity overlays',
    question: 'Where in this sample does a layer see what it saw in another one?',
    equations: [
      {
        latex: String.raw`\operatorname{overlay}(p) = \cos\bigl(a_p(x),\; \operatorname*{mean}_j a_j(x')\bigr)`,
        says: 'The activation at every position of one sample, compared with the mean activation of the other.',
      },
    ],
    paper: SVDW,
    limits: [
      'A mean over positions forgets where things are: two samples can be alike in it and look different.',
      'After a ReLU no activation points the opposite way, so low values, not negative ones, mark what differs.',
    ],
  },
  {
    id: 'synthesised-inputs',
    title: 'Synthesised inputs',
    question: 'What input would make a direction answer most?',
    equations: [
      {
        latex: String.raw`x^\ast = \arg\max_x \; \mathbb{E}_{\tau}\, \operatorname{signal}_k\bigl(\tau(x)\bigr)`,
        says: 'Gradient ascent under random shifts, scalings and rotations τ, seeded.',
      },
    ],
    paper: SVDW,
    limits: ['The picture is one local optimum; it exaggerates and need not look like any sample.'],
  },
  {
    id: 'layer-features',
    title: 'Layer features',
    question: 'Which features of the input does a layer use across all samples?',
    equations: [
      {
        latex: String.raw`T_i = \operatorname{diag}(s_i)\,\tilde W, \quad s_i = \frac{\sigma(z_i)}{z_i}, \qquad \begin{bmatrix} T_1 \\ \vdots \\ T_n \end{bmatrix} \approx \begin{bmatrix} U_1 \\ \vdots \\ U_n \end{bmatrix} \Sigma V^\top`,
        says: 'Each sample turns the layer into a matrix; one stacked decomposition gives directions that all samples share and what each makes of them.',
      },
    ],
    paper: null,
    limits: [
      'Analysis of linearised layer transformations (ALLT). Two ways back to the input are given: by cosine, as published, and by pullback, which is exact for the truncated maps.',
      'Every score is stated as a correlation and a mean error, so that a poor reconstruction shows.',
    ],
  },
  {
    id: 'decision-traces',
    title: 'Decision traces',
    question: 'After which layer is the decision made, and did the network waver?',
    equations: [
      {
        latex: String.raw`c_l(i) = \arg\min_c \bigl\lVert U_i^{\,l} - \bar U_c^{\,l} \bigr\rVert`,
        says: 'After each layer, the class whose mean projection is nearest; the decision layer is the first one after which this class no longer changes.',
      },
    ],
    paper: null,
    limits: [
      'Centroids need labels; without them the network’s own predictions take their place, and clusters are a view that needs neither.',
      'A trace says where samples lie, not why they lie there.',
      'The last layer may still change the prediction by its bias.',
    ],
  },
  {
    id: 'input-patterns',
    title: 'Input patterns',
    question: 'Which patterns of this input drive the neurons of a layer, and how many patterns does it take?',
    equations: [
      {
        latex: String.raw`\nu_m = \frac{v_m}{\lVert \hat w_m \rVert^2}\, \hat w_m \circ \hat w_m, \qquad V = [\nu_1 \dots \nu_M] = U S H`,
        says: 'At an input each neuron is one linear projection ŵ; its activity v spreads over the input, and the patterns of all neurons are decomposed together.',
      },
    ],
    paper: SLP,
    limits: [
      'Each ν carries the sign of its activity everywhere: it shows where, not what against what.',
      'Neurons that the input does not reach are counted, not drawn.',
    ],
  },
  {
    id: 'output-contributions',
    title: 'Output contributions',
    question: 'Of which few terms is this output the sum?',
    equations: [
      {
        latex: String.raw`y_j = \sum_k \alpha_k + b, \qquad \alpha_k = \psi_k \lambda_k\, (\varphi_k \cdot x), \quad R = U \Lambda \Phi^\top, \quad \psi = (L\,U)_j`,
        says: 'The map R up to a split layer is decomposed; the map L behind it weighs the directions. Terms, what is left out, and the bias add up to the output.',
      },
      {
        latex: String.raw`\alpha_k = \sum_{h,w} \psi_k \lambda_k \sum_c \varphi_{k,hwc}\, x_{hwc}`,
        says: 'Summed over channels (for a point: over its coordinates), the products of direction and input show where a term comes from; they add up to it.',
      },
      {
        latex: String.raw`\lVert y \rVert = \Bigl\langle \tfrac{y}{\lVert y \rVert},\; \sum_k \lambda_k (\varphi_k \cdot x)\, L u_k + b \Bigr\rangle`,
        says: 'Of an output that is a picture the whole is explained: each component adds a multiple of its left vector, and its term is the part of the picture’s length that this makes up.',
      },
    ],
    paper: SPECXAI,
    limits: [
      'A term depends on the split; another split gives another sum of the same output.',
      'The linear form holds at this input, not around it.',
      'Cancelling pairs terms by size, as published: which of two equal terms survives is a convention.',
      'Components of equal singular value span a subspace; their single terms depend on its basis.',
    ],
  },
  {
    id: 'data-directions',
    title: 'Directions of the samples',
    question: 'Which directions do the samples have, and are they those of the network?',
    equations: [
      {
        latex: String.raw`X = \begin{bmatrix} x_1^\top \\ \vdots \\ x_n^\top \end{bmatrix} = P\, S\, D^\top`,
        says: 'The samples as rows of a matrix, not centred. Its right vectors D stand beside those of the network’s map.',
      },
    ],
    paper: SPECXAI,
    limits: [
      'The first direction of data that is not centred is close to its mean.',
      'A direction of the data that the network does not pass on is one that it throws away, or that its constants supply.',
    ],
  },
  {
    id: 'input-output-map',
    title: 'Input-output map',
    question: 'What linear map is the whole network at this input?',
    equations: [
      {
        latex: String.raw`f(x_0) = F x_0 + r`,
        says: 'With every switch and gate held as the sample sets it, the network is a matrix F and a residual r. Rows of F show what an output takes from the input, columns what an input pixel does to the output.',
      },
    ],
    paper: LI,
    limits: [
      'The map is exact at this input only; a step away switches may turn.',
      'For smooth activations the frozen map is not the derivative: both readings exist, and this is the frozen one.',
    ],
  },
  {
    id: 'bias-shares',
    title: 'Bias shares',
    question: 'How much of a score comes from the input, and how much from constants inside the network?',
    equations: [
      {
        latex: String.raw`y = F x + \sum_l Q_l\, \hat b_l, \qquad \text{share} = \frac{\lvert r_c \rvert}{\lvert F x \rvert_c + \lvert r_c \rvert}`,
        says: 'The residual splits by the layer whose biases and normalisation constants it comes from.',
      },
    ],
    paper: LI,
    limits: [
      'A large share does not mean that the input is ignored: it sets the switches that let constants through.',
      'Parts of opposite sign cancel, so the share compares sizes, not a budget.',
    ],
  },
  {
    id: 'adversarial-step',
    title: 'Adversarial step',
    question: 'What changes inside when a small step of the input changes the answer?',
    equations: [
      {
        latex: String.raw`x' = x + \epsilon \operatorname{sign}\bigl(\nabla_x\, \text{loss}(x)\bigr)`,
        says: 'One signed-gradient step, and the bias shares of the input before and after it, layer by layer.',
      },
    ],
    paper: LI,
    limits: ['One step of one size: a network that withstands it may fall to another.'],
  },
  {
    id: 'pixel-votes',
    title: 'Pixel votes',
    question: 'Which class does each pixel speak for?',
    equations: [
      {
        latex: String.raw`d_c = F_c \circ x + \sum_l F_l^\top \bigl((Q_l)_c \circ \hat b_l\bigr), \qquad \operatorname{vote}(p) = \arg\max_c\, d_c(p)`,
        says: 'The discussion of a class adds what pixels and constants say for it; each pixel votes for the class it speaks for most.',
      },
    ],
    paper: LI,
    limits: ['The discussion is not conserved: it does not add up to the score.'],
  },
  {
    id: 'attributions',
    title: 'Attributions',
    question: 'What do the usual pictures of relevance say, for comparison?',
    equations: [
      {
        latex: String.raw`\text{IG}(x) = (x - x') \circ \int_0^1 \nabla f\bigl(x' + t\,(x - x')\bigr)\,dt`,
        says: 'Gradient, integrated gradients, SmoothGrad, layer-wise relevance, Grad-CAM, occlusion and superpixels, each with the area under its deletion and insertion curves.',
      },
    ],
    paper: null,
    limits: ['Pictures that look alike may rest on different things: compare the curves, and the sanity scores.'],
  },
  {
    id: 'sanity',
    title: 'Sanity scores',
    question: 'Does a picture change when what the model has learnt is taken away?',
    equations: [
      {
        latex: String.raw`\rho = \operatorname{Spearman}\bigl(\text{picture}(f),\; \text{picture}(f')\bigr)`,
        says: 'Rank correlation between pictures of the model and of a changed one: weights drawn anew, layer by layer from the top, or a second model.',
      },
    ],
    paper: SANITY,
    limits: ['A low correlation shows that a picture depends on the weights, not that it is right.'],
  },
];

export const TERMS: readonly TermEntry[] = [
  {
    id: 'affine-map',
    title: 'Affine map',
    text: 'A matrix and a constant. At every input a network is one: its activations act as fixed factors there. It reproduces the output exactly at that input.',
    latex: String.raw`f(x_0) = A\,x_0 + r`,
  },
  {
    id: 'taylor-and-frozen',
    title: 'Taylor and frozen',
    text: 'Two ways to read an activation as a factor: by its slope (what a small change does) or by its ratio of output to input (what it made of this value). For ReLU networks both are the same.',
    latex: String.raw`\sigma'(z) \quad\text{or}\quad \sigma(z)/z`,
  },
  {
    id: 'singular-value',
    title: 'Singular values and directions',
    text: 'Every linear map turns some directions of its input into orthogonal directions of its output; the singular value is the factor of length. Leading directions are those it passes on most.',
    latex: String.raw`A\,v_k = \sigma_k\, u_k`,
  },
  {
    id: 'certificate',
    title: 'Certificate',
    text: 'What was checked about a result. Completeness: the map gives the network’s output at the input. Adjointness: the map and its transpose agree. Residual: each singular pair satisfies its equation. All are relative errors, 0 is perfect. A certificate says that the numbers are right, not that an interpretation of them is.',
    latex: String.raw`\frac{\lVert A x_0 + r - f(x_0) \rVert}{\lVert f(x_0) \rVert}, \qquad \frac{\lvert \langle A u, v \rangle - \langle u, A^\top v \rangle \rvert}{\lVert A u\rVert \lVert v \rVert}, \qquad \frac{\lVert A v_k - \sigma_k u_k \rVert}{\sigma_1}`,
  },
  {
    id: 'stable-rank',
    title: 'Stable rank',
    text: 'How many directions as strong as the first would carry the same energy. Never more than the rank, and not sensitive to small values.',
    latex: String.raw`\frac{\sum_k \sigma_k^2}{\sigma_1^2}`,
  },
  {
    id: 'effective-rank',
    title: 'Effective rank',
    text: 'The number of equally strong directions with the same entropy: counts every direction, weighted by its value.',
    latex: String.raw`\exp\Bigl(-\sum_k p_k \ln p_k\Bigr), \quad p_k = \frac{\sigma_k}{\sum_i \sigma_i}`,
  },
  {
    id: 'energy',
    title: 'Energy',
    text: 'The squared singular values; their share says how much of a map its leading directions carry.',
  },
  {
    id: 'capacity',
    title: 'Capacity metrics',
    text: 'One number from the power laws of all layers, in three conventions that differ by a norm, a logarithm and a mean. A value is comparable only to one of the same convention.',
  },
  {
    id: 'representational-power',
    title: 'Representational power',
    text: 'The smallest number of singular patterns whose values reach nine tenths of their sum, as a share of the neurons. Near all of them, a layer is saturated; far below, it has room.',
  },
  {
    id: 'residual',
    title: 'Residual',
    text: 'The part of an output that does not pass through the input: biases and normalisation constants, as the switches let them through.',
  },
  {
    id: 'decision-layer',
    title: 'Decision layer',
    text: 'The first layer, counted from 1, after which the nearest class no longer changes.',
  },
  {
    id: 'variation',
    title: 'Variation',
    text: 'How many different classes the single directions of a sample are nearest to, less one. High where the network is torn.',
  },
  {
    id: 'layer',
    title: 'Layer',
    text: 'A part of the network with weights, with the normalisation, activation and pooling that follow it. A layer used twice appears twice.',
  },
  {
    id: 'activity',
    title: 'Activity',
    text: 'The value of a neuron before its activation function. Active means above zero.',
  },
  {
    id: 'noise-floor',
    title: 'Noise floor',
    text: 'The size below which a difference means nothing, from the certificates of both sides.',
  },
];
