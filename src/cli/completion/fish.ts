import { quoted } from '../../support/shell.js';
import { nameOption, type Shape } from './shape.js';

/** Of the command by its own name: npx's words are npx's. */
export function fish({ commands, options }: Shape): string {
  const rule = (rest: string): string => `complete -c jest-kubernetes ${rest}`;
  const isFirst = '-n __fish_use_subcommand';
  const option = ({ word, description }: { word: string; description: string }): string =>
    `-l ${word.replace(/^--/, '')} -d ${quoted(description)}${word === nameOption ? ` -x -a '${names}'` : ''}`;
  return [
    '# jest-kubernetes in fish',
    rule('-f'),
    ...options.map((each) => rule(`${isFirst} ${option(each)}`)),
    ...commands.map(({ word, description }) => rule(`${isFirst} -a ${word} -d ${quoted(description)}`)),
    ...commands.flatMap(({ word, options: own, values, takesName }) =>
      [
        ...own.map(option),
        ...values.map((value) => `-a ${value}`),
        ...(takesName ? [`-a '${names}'`] : []),
      ].map((rest) => rule(`-n '__fish_seen_subcommand_from ${word}' ${rest}`)),
    ),
  ].join('\n');
}

const names = '(jest-kubernetes cluster-names 2>/dev/null)';
