import { ChildProcess } from 'node:child_process';
import { Server } from 'node:net';

/** A test of the fast lane that starts something all the same is told to say so by an import. */
const refuse = (what: string) => () => {
  throw new Error(
    `a test of the fast lane starts a ${what}: import what starts it directly, or a file of test/support that does (see test/lanes.ts)`,
  );
};

Server.prototype.listen = refuse('server');
// not in the types, but what every way to start a process ends in
Object.assign(ChildProcess.prototype, { spawn: refuse('process') });
