import type { Socket } from 'node:net';
import type { Client } from 'basic-ftp';

/**
 * Keeps the library from closing the whole client when a data connection breaks. A server that
 * refuses a file, or whose disk is full, breaks the data connection first and says why afterwards,
 * on the control connection: closed at once, that answer would be lost and every refusal would look
 * like a bad network.
 */
export function forgiveData(client: Client): void {
  let prepare = client.prepareTransfer;
  const forgiving: Client['prepareTransfer'] = async (ftp) => {
    const answer = await prepare(ftp);
    // At first the library tries what the server can, and puts what worked in our place.
    if (client.prepareTransfer !== forgiving) {
      prepare = client.prepareTransfer;
      client.prepareTransfer = forgiving;
    }
    if (ftp.dataSocket !== undefined) soften(ftp.dataSocket);
    return answer;
  };
  client.prepareTransfer = forgiving;
}

/** Takes away what the library has just added last; what goes wrong during a transfer is told by the transfer. */
function soften(socket: Socket): void {
  for (const event of ['error', 'close']) {
    const added = socket.listeners(event).at(-1);
    if (added !== undefined) socket.off(event, added as () => void);
  }
  socket.on('error', () => undefined);
}
