import { JestKubernetesError, messageOf } from '../support/errors.js';

/**
 * Reads JSON.
 * @throws JestKubernetesError CONFIG_INVALID with file and line
 */
export function parseJson(text: string, file: string): unknown {
  // as npm, which lets editors have their byte order mark
  const json = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    const what = json.trim() === '' ? 'it is empty' : messageOf(cause).replace(/(?:,| in JSON).*$/s, '');
    throw new JestKubernetesError('CONFIG_INVALID', `${file} is not valid JSON`, {
      evidence: [`${file}:${wrongLine(json)}: ${what}`],
      cause,
    });
  }
}

/** JSON.parse does not always say where: it is the first line after which more text could not help any longer. */
function wrongLine(json: string): number {
  const lines = json.split(/(?<=\n)/);
  const wrong = lines.findIndex((_, index) => !endsTooEarly(lines.slice(0, index + 1).join('')));
  return wrong === -1 ? lines.length : wrong + 1;
}

function endsTooEarly(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch (error) {
    const [, position] = /at position (\d+)/.exec(messageOf(error)) ?? [];
    return position === undefined ? /end of JSON/.test(messageOf(error)) : Number(position) >= json.length;
  }
}
