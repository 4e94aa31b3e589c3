/** Where a namespace has the objects of a collection such as `apis/apps/v1/deployments`. */
export function within(namespace: string, collection: string): string {
  const at = collection.lastIndexOf('/');
  return `/${collection.slice(0, at)}/namespaces/${namespace}${collection.slice(at)}`;
}
