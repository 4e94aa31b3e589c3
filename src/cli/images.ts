import { configHere } from './here.js';
import { print } from './output.js';

/** What a run of this folder pulls, for who brings it from elsewhere, as a cache of a CI does. */
export async function images({ json }: { json: boolean }): Promise<void> {
  const { cluster, images } = await configHere();
  const node = cluster.provider === 'kind' ? (cluster.image ?? null) : null;
  const pulled = images.flatMap((image) => (image.kind === 'pull' ? [image.reference] : []));
  if (json) print({ node, images: pulled });
  else for (const reference of [...(node === null ? [] : [node]), ...pulled]) console.log(reference);
}
