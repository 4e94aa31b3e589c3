import type { Command } from 'commander';

import { listClusters } from '../../cluster/index.js';
import { settingsHere } from '../here.js';
import { bash } from './bash.js';
import { fish } from './fish.js';
import { type Shape, shapeOf } from './shape.js';
import { zsh } from './zsh.js';

const scripts = { bash, zsh, fish } as const satisfies Record<string, (shape: Shape) => string>;

export type Shell = keyof typeof scripts;
export const shells = Object.keys(scripts) as Shell[];

/** Prints what makes a shell complete a program's commands, their options, and clusters' names. */
export function completion(program: Command, shell: Shell): void {
  console.log(scripts[shell](shapeOf(program)));
}

/** Prints the clusters' names, one a line: what a completion script asks for. */
export async function clusterNames(): Promise<void> {
  for (const { name } of listClusters((await settingsHere()).stateDir)) console.log(name);
}
