/** The names of this machine; an engine at any other is on that one, and so are the ports that it publishes. */
const thisMachine: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** How an address says that it is on this machine: by nothing but a file. */
const bySocket = ['unix:', 'npipe:'];

/**
 * Where the ports of an engine are reached: the host of its address.
 * @param address - as DOCKER_HOST and CONTAINER_HOST have it
 */
export function hostOf(address: string): string {
  const { protocol, hostname } = new URL(address);
  return bySocket.includes(protocol) || thisMachine.includes(hostname) ? '127.0.0.1' : bare(hostname);
}

/** Whether its ports are reached at an address of this machine. */
export const isHere = ({ host }: { host: string }): boolean => host === '127.0.0.1';

/** Without the brackets that a URL puts around an IPv6 address. */
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

/** The file of a `unix://` address, as it stands: Docker's client takes it literally, and a URL would encode it. */
export function socketOf(address: string): string | undefined {
  return address.startsWith('unix://') ? address.slice('unix://'.length) : undefined;
}
