/** Measures both in turn, A B A B: what else goes on in the machine then befalls both. */
export async function alternate<Ours, Peer>(
  times: number,
  ours: () => Promise<Ours>,
  peer: () => Promise<Peer>,
): Promise<{ ours: Ours[]; peer: Peer[] }> {
  const measured = { ours: [] as Ours[], peer: [] as Peer[] }
  for (let n = 0; n < times; n++) {
    measured.ours.push(await ours())
    measured.peer.push(await peer())
  }
  return measured
}
