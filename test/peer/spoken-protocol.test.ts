import { expect, test } from 'vitest';
import { spokenProtocol } from '../../src/peer/index.ts';

test.for([
  ['SSH-2.0-OpenSSH_10.0\r\n', 'SSH'],
  ['HTTP/1.1 200 OK\r\n', 'HTTP'],
  ['GET / HTTP/1.1\r\n', 'HTTP'],
  ['220 mx.example ESMTP\r\n', 'SMTP'],
  ['220-ProFTPD FTP Server\r\n', 'FTP'],
  ['220 ready\r\n', 'SMTP or FTP'],
  ['* OK ready\r\n', 'IMAP'],
  ['+OK ready\r\n', 'POP3'],
  ['\u0016\u0003\u0001\u0002', 'TLS'],
  ['\u0015\u0003\u0003\u0000', 'TLS'],
  ['MSH|^~\\&|', undefined],
  ['\u000bMSH|', undefined],
  ['\u0016\u0004\u0001', undefined],
  ['', undefined],
] as const)('%j is %s', ([bytes, name]) => {
  expect(spokenProtocol(Buffer.from(bytes, 'latin1'))?.name).toBe(name);
});
