import path from 'node:path';

import { satisfies } from 'semver';

import { isOff, unknownVariables } from '../../config/index.js';
import { packageVersion } from '../../run/index.js';
import { whyUnsupported } from '../../support/supported.js';
import { findJestConfig } from '../init/index.js';
import { installLine } from '../install-line.js';
import { ownPackage } from '../own-package.js';
import { type Examine, type Finding, ok, type Patient, problem, warning } from './finding.js';

export const nodeJs: Examine = () => {
  const why = whyUnsupported(process);
  return why === undefined ? ok(process.version) : problem(why);
};

const versionHere = (name: string, { folder }: Patient): string | undefined =>
  packageVersion(name, path.join(folder, 'package.json'));

/** A package that this one works with, in the versions that its package.json names. */
function peer(name: string, patient: Patient): Finding {
  const range = ownPackage().peerDependencies[name] ?? '*';
  const version = versionHere(name, patient);
  const remedy = { command: installLine([name], patient.folder) };
  if (version === undefined) return problem(`${name} is not found from ${patient.folder}`, remedy);
  return satisfies(version, range, { includePrerelease: true })
    ? ok(version)
    : problem(`${version}, and supported is ${range}`, remedy);
}

export const jestItself: Examine = (patient) => peer('jest', patient);
export const clientLibrary: Examine = (patient) => peer('@kubernetes/client-node', patient);

/** Tests may be JavaScript. */
export const typeScript: Examine = (patient) => {
  if (versionHere('typescript', patient) === undefined)
    return ok('not installed, and tests in JavaScript need none');
  const found = peer('typescript', patient);
  if (found.status !== 'ok' || ['@types/jest', '@jest/globals'].some((name) => versionHere(name, patient)))
    return found;
  return warning(`${found.seen}, without the types of test and expect`, {
    command: installLine(['@types/jest'], patient.folder),
  });
};

export const jestConfig: Examine = async ({ folder, env, settings }) => {
  // which .env has a word in
  await settings;
  if (isOff(env))
    return warning('JEST_KUBERNETES switches the preset off: it does nothing', {
      command: 'unset JEST_KUBERNETES',
    });
  const found = findJestConfig(folder);
  if (found === undefined) return warning(`none in ${folder}`, { command: 'npx jest-kubernetes init' });
  return found.isOurs
    ? ok(found.file)
    : warning(`${found.file} does not name jest-kubernetes`, "Add: preset: 'jest-kubernetes'");
};

export const configuration: Examine = async ({ config, env }) => {
  const { file, cluster } = await config;
  const seen = `${file ?? 'none: every setting has its default'}; the cluster is ${cluster.name}`;
  const unknown = unknownVariables(env);
  return unknown.length === 0 ? ok(seen) : warning(`${seen}. ${unknown.join(' ')}`);
};
