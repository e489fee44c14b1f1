/** Whether an address is of this machine only. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$|^localhost$/.test(address);
}
