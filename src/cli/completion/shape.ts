import type { Command } from 'commander';

interface Word {
  word: string;
  description: string;
}

/** What can be typed after the command's name. */
export interface Shape {
  options: Word[];
  commands: (Word & {
    options: Word[];
    /** What its argument may be, where that is a fixed set. */
    values: string[];
    /** Whether its argument is a cluster's name. */
    takesName: boolean;
  })[];
}

/** An option, or an argument, that is called so is a cluster's name. */
const nameOf = 'name';
export const nameOption = `--${nameOf}`;

/** A program as its parser has it. */
export function shapeOf(program: Command): Shape {
  return {
    options: optionsOf(program),
    commands: program
      .createHelp()
      .visibleCommands(program)
      .filter((command) => command.name() !== 'help')
      .map((command) => ({
        word: command.name(),
        description: command.description(),
        options: optionsOf(command),
        values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
        takesName: command.registeredArguments.some((argument) => argument.name() === nameOf),
      })),
  };
}

const optionsOf = (command: Command): Word[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long == null ? [] : [{ word: long, description }]));
