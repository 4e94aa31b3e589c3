const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * A duration in milliseconds: a number as it is, or text such as `500ms`, `90s`, `10m`, `1.5h`.
 * Undefined where it is neither, or not above zero.
 */
export function parseDuration(value: unknown): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h)$/.exec(String(value)) ?? [];
  const duration =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && amount !== undefined
        ? Number(amount) * units[unit as keyof typeof units]
        : NaN;
  return Number.isFinite(duration) && duration > 0 ? duration : undefined;
}
