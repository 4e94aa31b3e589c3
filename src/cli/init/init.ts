import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { readPackage } from '../../config/index.js';
import { packageVersion } from '../../run/index.js';
import { installLine, packageManager } from '../install-line.js';
import { style, wrapped } from '../output.js';
import { findJestConfig } from './jest-config.js';
import { jestConfigText, type Style, testText } from './templates.js';

/** What tests need in each language. */
const packages = {
  javaScript: ['jest-kubernetes', 'jest', '@kubernetes/client-node'],
  typeScript: ['jest-kubernetes', 'jest', '@types/jest', 'typescript', '@kubernetes/client-node'],
} as const;

/**
 * Writes what a project needs to have a cluster in its tests, and says what it did. What is there stays as it is.
 * @throws JestKubernetesError CONFIG_INVALID where package.json is not JSON
 */
export function init(): void {
  const folder = process.cwd();
  const project = styleOf(folder);
  const say = (mark: string, text: string): void => {
    console.log(` ${mark} ${wrapped(text, 3)}`);
  };
  const write = (name: string, text: string, what: string): void => {
    writeFileSync(path.join(folder, name), text, { flag: 'wx' });
    say(style('green', '+'), `${name}: ${what}`);
  };

  const config = findJestConfig(folder);
  if (config === undefined) write('jest.config.js', jestConfigText(project), 'the preset');
  else {
    const file = path.relative(folder, config.file);
    if (config.isOurs) say('=', `${file} stays: it names jest-kubernetes already`);
    else say(style('yellow', '!'), `${file} stays as it is. Add to it: ${addition(file)}`);
  }

  const standing = readdirSync(folder).find((name) => /^cluster\.test\.[cm]?[jt]sx?$/.test(name));
  const test = `cluster.test.${project.isTypeScript ? 'ts' : 'js'}`;
  if (standing === undefined) write(test, testText(project), 'a first test');
  else say('=', `${standing} stays as it is`);

  const needed = packages[project.isTypeScript ? 'typeScript' : 'javaScript'];
  const missing = needed.filter(
    (name) => packageVersion(name, path.join(folder, 'package.json')) === undefined,
  );
  // no line is broken that somebody copies
  if (missing.length > 0) console.log(`\nInstall what is missing:\n  ${installLine(missing, folder)}`);
  const flags = project.isModule && !project.isTypeScript ? 'NODE_OPTIONS=--experimental-vm-modules ' : '';
  console.log(`\nRun the tests:\n  ${flags}${packageManager(folder).run} jest`);
}

const addition = (file: string): string =>
  file.endsWith('.json') ? `"preset": "jest-kubernetes"` : `preset: 'jest-kubernetes'`;

/** A folder without a package.json is a new project: in TypeScript, as in README's quick start. */
function styleOf(folder: string): Style {
  const manifest = readPackage(folder);
  const named = { ...object(manifest?.['dependencies']), ...object(manifest?.['devDependencies']) };
  return {
    isModule: manifest?.['type'] === 'module',
    isTypeScript:
      manifest === undefined || 'typescript' in named || existsSync(path.join(folder, 'tsconfig.json')),
  };
}

const object = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});
