import { CommanderError } from 'commander';

/** What commander says of a mistake, in one sentence: `jest-kubernetes: unknown command 'statsu' (did you mean status?)`. */
export function inOneSentence(text: string, write: (text: string) => void): void {
  const sentence = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\n?\(Did/, ' (did')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '');
  write(`jest-kubernetes: ${sentence}; see jest-kubernetes --help\n`);
}

/** A mistake that commander does not see by itself. */
export function misuse(sentence: string): CommanderError {
  inOneSentence(sentence, (text) => process.stderr.write(text));
  return new CommanderError(2, 'jest-kubernetes.misuse', sentence);
}
