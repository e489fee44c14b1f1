import type * as Connections from './transport.ts';

/** As there. Most adapters speak no HTTP: its library, a hundred modules, is read by the first that does. */
export const transport: typeof Connections.transport = async (...given) => {
  const connections = await import('./transport.ts');
  return connections.transport(...given);
};
