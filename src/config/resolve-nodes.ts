import type { NodeConfig, Taint } from './config.js';
import type { NodeOptions } from './define-config.js';

export const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

/** A taint as kubectl writes it: `key:Effect` or `key=value:Effect`; undefined where it is none. */
export function parseTaint(text: string): Taint | undefined {
  const [, key, value = '', effect] = /^([^=:]+)(?:=([^=:]*))?:(\w+)$/.exec(text) ?? [];
  const known = effects.find((each) => each === effect);
  if (key === undefined || known === undefined) return undefined;
  return { key, value, effect: known };
}

/** Each node on its own: of a number, one control plane and workers. */
export function resolveNodes(
  given: number | readonly NodeOptions[],
  absolute: (path: string) => string,
): NodeConfig[] {
  const options = typeof given === 'number' ? Array.from({ length: given }, (): NodeOptions => ({})) : given;
  return options.map(({ role, labels, taints, mounts }, index) => ({
    role: role ?? (index === 0 ? 'control-plane' : 'worker'),
    labels: labels ?? {},
    taints: (taints ?? []).map(resolveTaint),
    mounts: (mounts ?? []).map(({ hostPath, containerPath, readOnly }) => ({
      hostPath: absolute(hostPath),
      containerPath,
      readOnly: readOnly ?? false,
    })),
  }));
}

function resolveTaint(taint: NonNullable<NodeOptions['taints']>[number]): Taint {
  if (typeof taint === 'string') {
    const parsed = parseTaint(taint);
    if (parsed === undefined) throw new Error(`${taint} is no taint`);
    return parsed;
  }
  const { key, value = '', effect } = taint;
  return { key, value, effect };
}
