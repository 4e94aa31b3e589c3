import { type Bytes, type Detail, inWords } from '../report/index.js';

/** What the engine says of a layer, or of the image, while it pulls or pushes. */
export interface LayerLine {
  /** The layer's; of a line on the whole image its tag. */
  id?: string;
  status?: string;
  progressDetail?: { current?: number; total?: number };
}

/** Where a layer is by the engine's word for it; what is not named here is said of the image. */
const stages: Readonly<Record<string, 'known' | 'moving' | 'here' | 'unpacking' | 'unpacked'>> = {
  'Pulling fs layer': 'known',
  Preparing: 'known',
  Waiting: 'known',
  Downloading: 'moving',
  Pushing: 'moving',
  'Verifying Checksum': 'here',
  'Download complete': 'here',
  'Already exists': 'here',
  'Layer already exists': 'here',
  'Mounted from': 'here',
  Pushed: 'here',
  Extracting: 'unpacking',
  'Pull complete': 'unpacked',
};

interface Layer {
  current: number;
  /** Undefined until the engine has told. */
  total: number | undefined;
  isHere: boolean;
  /** In bytes of the layer as it came. */
  unpacked: number;
}

/** How far an image's layers have come. */
export class Layers {
  readonly #layers = new Map<string, Layer>();

  see({ id, status = '', progressDetail: { current = 0, total = 0 } = {} }: LayerLine): void {
    // where it is mounted from is said too
    const stage = stages[status.replace(/^(Mounted from) .*/, '$1')];
    if (id === undefined || stage === undefined) return;
    const layer = this.#layers.get(id) ?? { current: 0, total: undefined, isHere: false, unpacked: 0 };
    this.#layers.set(id, layer);
    if (stage === 'moving') {
      layer.current = current;
      // of what is pushed the engine sends more than it says
      if (total > 0) layer.total = Math.max(total, current);
    } else if (stage !== 'known') {
      layer.isHere = true;
      layer.total ??= layer.current;
      layer.current = layer.total;
      // without a total it counts seconds
      if (stage === 'unpacking' && total > 0) layer.unpacked = Math.min(current, layer.total);
      if (stage === 'unpacked') layer.unpacked = layer.total;
    }
  }

  /** Without a total until the size of every layer is known: a share of what is known would go back with each new one. */
  get bytes(): Bytes {
    const layers = [...this.#layers.values()];
    const totals = layers.map(({ total }) => total);
    return {
      done: sum(layers.map(({ current }) => current)),
      total: totals.includes(undefined) ? undefined : sum(totals.map((total) => total ?? 0)),
    };
  }

  /** Undefined until the first byte is told of. */
  get detail(): Detail | undefined {
    const { bytes } = this;
    if (bytes.done === 0) return undefined;
    const layers = [...this.#layers.values()];
    const unpacked = sum(layers.map((layer) => layer.unpacked));
    return unpacked > 0 && layers.every(({ isHere }) => isHere)
      ? `unpacking, ${inWords({ ...bytes, done: unpacked })}`
      : bytes;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
