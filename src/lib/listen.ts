import type { AddressInfo, Server } from 'node:net';

/**
 * Begins to listen; resolves with the port, which is a free one when `port` is 0.
 * @throws what `Server.listen` emits as `error`, such as EADDRINUSE
 */
export function listen(server: Server, { port, host }: { readonly port: number; readonly host?: string | undefined }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
