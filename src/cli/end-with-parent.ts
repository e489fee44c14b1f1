import { Socket } from 'node:net';

const end = (): void => void process.kill(process.pid, 'SIGTERM');

/**
 * Stops this process in order, as by SIGTERM, when the one that started it is gone: `waybill` starts the engine
 * as a process of its own, and whoever kills that one means both. It hands down a pipe that breaks then.
 */
export function endWithParent(): void {
  const { WAYBILL_PARENT: fd } = process.env;
  delete process.env['WAYBILL_PARENT'];
  if (fd === undefined) return;
  const pipe = new Socket({ fd: Number(fd), readable: true, writable: false });
  pipe.on('error', end).once('end', end);
  pipe.resume().unref();
}
