/**
 * Node's `http`. An `import` of it reads every name that it has, one of which is `WebSocket`, and so Node reads all of its
 * HTTP client: 50 ms of processor time at the start of each thread, of some 700 that a small production needs to its first
 * acknowledgement.
 */
export const { createServer, request, ServerResponse, STATUS_CODES } =
  process.getBuiltinModule('node:http');

export type ServerResponse = InstanceType<typeof ServerResponse>;
