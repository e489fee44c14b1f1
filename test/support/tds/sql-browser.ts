import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface SqlBrowser extends AsyncDisposable {
  readonly port: number;
}

/** Returns the ports of named instances (MC-SQLR) and, like the real one, does not answer for unknown names. */
export async function sqlBrowser(
  instances: Readonly<Record<string, number | undefined>>,
): Promise<SqlBrowser> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { address, port }) => {
    const name = bytes.subarray(1, bytes.indexOf(0, 1)).toString('latin1');
    if (bytes[0] !== 4 || !Object.hasOwn(instances, name)) return;
    const tcp = instances[name];
    const way = tcp === undefined ? 'np;\\\\PEER\\pipe\\sql' : `tcp;${tcp}`;
    const text = `ServerName;PEER;InstanceName;${name};IsClustered;No;Version;16.0.1000.6;${way};;`;
    const head = Buffer.from([5, text.length & 0xff, text.length >> 8]);
    socket.send(Buffer.concat([head, Buffer.from(text, 'latin1')]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}
