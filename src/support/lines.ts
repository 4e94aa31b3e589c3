export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** The first lines of what was said, without empty ones. */
export function firstLines(words: string, count: number): string[] {
  return words.split('\n').filter(Boolean).slice(0, count);
}

/** The last telling lines of what a command said. */
export function lastLines(words: string, count = 8): string[] {
  return words
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '')
    .slice(-count);
}
