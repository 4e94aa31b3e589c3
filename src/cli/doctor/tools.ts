import { lookForKind } from '../../cluster/index.js';
import type { Config } from '../../config/index.js';
import { JestKubernetesError } from '../../support/errors.js';
import { lookForTool } from '../../tools/index.js';
import { type Examine, type Finding, ok, warning } from './finding.js';

export const kind: Examine = async ({ settings, env, signal }) => {
  if ((await settings).cluster.provider !== 'kind') return undefined;
  return ok(await lookForKind({ env, signal }));
};

const asks = ({ manifests }: Config, what: 'kustomize' | 'helm'): boolean =>
  manifests.some((manifest) => manifest.kind === what);

/** Without it runs work, but for those whose manifests ask for it. */
export const kubectl: Examine = async ({ settings, env, signal }) => {
  try {
    return ok(await lookForTool('kubectl', { env, signal }));
  } catch (error) {
    if (asks(await settings, 'kustomize')) throw error;
    return onlyWarned(error);
  }
};

export const helm: Examine = async ({ settings, env, signal }) =>
  asks(await settings, 'helm') ? ok(await lookForTool('helm', { env, signal })) : undefined;

function onlyWarned(error: unknown): Finding {
  if (!(error instanceof JestKubernetesError)) throw error;
  return warning(`${error.message}; nothing here needs it but jest-kubernetes kubectl`, error.remedy);
}
