const factors: Record<string, number> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A Kubernetes quantity (`500m`, `1Gi`, `2`) as a number; 0 where there is none. */
export function parseQuantity(quantity: string | undefined): number {
  const [, digits, suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(quantity ?? '') ?? [];
  return digits === undefined ? 0 : Number(digits) * (factors[suffix] ?? 1);
}

/** CPUs for a person: `0.5 CPUs`, `2 CPUs`. */
export function formatCpus(cpus: number): string {
  return `${String(Math.round(cpus * 100) / 100)} ${cpus === 1 ? 'CPU' : 'CPUs'}`;
}
