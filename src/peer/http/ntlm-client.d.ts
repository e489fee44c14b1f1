declare module '@ewsjs/ntlm-client' {
  export interface Type2Message {
    readonly flags: number;
    /** 1 if the server did not agree to NTLMv2 session security. */
    readonly version: 1 | 2;
    readonly targetName: string;
    /** What the server says about itself; without a buffer if that is nothing. */
    readonly targetInfo?: { readonly buffer?: Buffer };
  }
  export function createType1Message(workstation?: string, target?: string): string;
  export function decodeType2Message(header: string): Type2Message;
  export function createType3Message(
    ...parameters: readonly [
      challenge: Type2Message,
      user: string,
      password: string,
      workstation: string,
      target: string,
    ]
  ): string;
}
