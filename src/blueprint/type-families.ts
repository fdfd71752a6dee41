/** Types that belong to one kind of cloud go nowhere else; the agnostic ones go anywhere. */
export function accountTypeOf(type: string): string | undefined {
  const family = /^Cloud\.(Service\.)?(AWS|Azure|GCP|vSphere|NSX)\./.exec(type)?.[2];
  return family && { AWS: 'aws', Azure: 'azure', GCP: 'gcp', vSphere: 'vsphere', NSX: 'nsxt' }[family];
}

export const isNetwork = (type: string): boolean => /\.Network$/.test(type);
export const isMachine = (type: string): boolean => /\.(Machine|EC2\.Instance)$/.test(type);
export const isDisk = (type: string): boolean => /^Cloud\.([A-Za-z]+\.)?(Disk|Volume)$/.test(type);
