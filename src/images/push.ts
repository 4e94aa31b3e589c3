import { JestKubernetesError } from '../support/errors.js';
import { parseReference } from '../support/image-reference.js';
import { lastLines } from '../support/lines.js';
import { localImageId, runEngine } from './engine.js';
import { transferByApi, TransferFailure, type TransferOptions } from './transfer.js';

/**
 * Sends an image of this host to a registry, for clusters that images cannot be streamed into.
 * @param to - the reference that it gets there; a name of that kind on this host is gone afterwards, unless it was there
 * @throws JestKubernetesError IMAGE_PUSH_FAILED, with what the engine and the registry said
 */
export async function pushImage(reference: string, to: string, options: TransferOptions): Promise<void> {
  const { runtime, signal, progress } = options;
  const failed = (words: string): JestKubernetesError =>
    new JestKubernetesError('IMAGE_PUSH_FAILED', `${reference} could not be pushed to ${to}`, {
      evidence: lastLines(words, 4),
      remedy: `Try it by hand: ${runtime.name} push ${to}`,
    });
  const id = await localImageId(reference, runtime);
  if (id === undefined) throw failed(`${runtime.name} has no image ${reference}`);
  const isNamed = to === reference || (await localImageId(to, runtime)) === id;
  if (!isNamed) {
    const tagged = await runEngine(runtime, ['tag', reference, to], { signal });
    if (tagged.failed) throw failed(tagged.words);
  }
  progress.waitingFor(`${parseReference(to).registry} to take ${to}`);
  try {
    await (runtime.name === 'docker' ? pushByApi : pushByCommand)(to, options);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof TransferFailure ? failed(error.words) : error;
  } finally {
    if (!isNamed) await runEngine(runtime, ['rmi', to]);
  }
}

const pushByApi = (to: string, options: TransferOptions): Promise<number> =>
  transferByApi('push', parseReference(to), options);

async function pushByCommand(to: string, { runtime, signal, progress }: TransferOptions): Promise<void> {
  const onLine = (line: string): void => {
    progress.moved(line.trim().slice(0, 60));
  };
  const { failed, words } = await runEngine(runtime, ['push', to], { signal, onLine });
  if (failed) throw new TransferFailure(words);
}
