/** What stands at a key: a kind of value, or the keys that a map may have. */
export type Shape =
  | 'text'
  | 'flag'
  | 'number'
  | 'list'
  | 'map'
  | 'any'
  | { map: Record<string, Shape> }
  | { each: Shape };

const words: Shape = { each: 'text' };
const file: Shape = {
  map: {
    ...{ path: 'text', content: 'text', owner: 'text', permissions: 'text', encoding: 'text', append: 'flag' },
    ...{ defer: 'flag', source: 'map' },
  },
};
export const user: Shape = {
  map: {
    ...{
      name: 'text',
      gecos: 'text',
      homedir: 'text',
      primary_group: 'text',
      shell: 'text',
      groups: 'any',
      sudo: 'any',
    },
    ...{ passwd: 'text', hashed_passwd: 'text', plain_text_passwd: 'text', lock_passwd: 'flag', 'lock-passwd': 'flag' },
    ...{ ssh_authorized_keys: words, 'ssh-authorized-keys': words, ssh_import_id: words, ssh_redirect_user: 'flag' },
    ...{
      uid: 'any',
      system: 'flag',
      expiredate: 'text',
      inactive: 'any',
      no_create_home: 'flag',
      no_user_group: 'flag',
    },
    ...{
      no_log_init: 'flag',
      selinux_user: 'text',
      snapuser: 'text',
      create_groups: 'flag',
      doas: 'list',
      inactive_days: 'any',
    },
  },
};

/** The keys of the modules that come with cloud-init, as its documentation names them. */
export const keys: Record<string, Shape> = {
  ...{
    runcmd: 'list',
    bootcmd: 'list',
    packages: 'list',
    write_files: { each: file },
    users: 'any',
    user: 'any',
    groups: 'any',
  },
  ...{
    package_update: 'flag',
    package_upgrade: 'flag',
    package_reboot_if_required: 'flag',
    apt: 'map',
    yum_repos: 'map',
  },
  ...{
    apt_update: 'flag',
    apt_upgrade: 'flag',
    apt_sources: 'list',
    apt_mirror: 'text',
    apt_preserve_sources_list: 'flag',
  },
  ...{
    apt_proxy: 'text',
    apt_reboot_if_required: 'flag',
    apt_pipelining: 'any',
    package_reboot: 'flag',
    zypper: 'map',
  },
  ...{
    hostname: 'text',
    fqdn: 'text',
    prefer_fqdn_over_hostname: 'flag',
    preserve_hostname: 'flag',
    create_hostname_file: 'flag',
  },
  ...{
    manage_etc_hosts: 'any',
    manage_resolv_conf: 'flag',
    resolv_conf: 'map',
    network: 'map',
    ntp: 'any',
    timezone: 'text',
  },
  ...{
    locale: 'any',
    locale_configfile: 'text',
    keyboard: 'map',
    password: 'text',
    chpasswd: 'map',
    ssh_pwauth: 'any',
  },
  ...{
    ssh_authorized_keys: words,
    ssh_keys: 'map',
    ssh_genkeytypes: words,
    ssh_deletekeys: 'flag',
    ssh_import_id: words,
  },
  ...{
    ssh: 'map',
    ssh_publish_hostkeys: 'map',
    ssh_quiet_keygen: 'flag',
    no_ssh_fingerprints: 'flag',
    authkey_hash: 'text',
  },
  ...{
    allow_public_ssh_keys: 'flag',
    ssh_fp_console_blacklist: words,
    ssh_key_console_blacklist: words,
    disable_root: 'any',
  },
  ...{
    disable_root_opts: 'text',
    mounts: 'list',
    mount_default_fields: 'list',
    swap: 'map',
    fs_setup: 'list',
    disk_setup: 'map',
  },
  ...{
    growpart: 'map',
    resize_rootfs: 'any',
    device_aliases: 'map',
    bootsyncd: 'any',
    power_state: 'map',
    final_message: 'text',
  },
  ...{
    phone_home: 'map',
    output: 'any',
    merge_how: 'any',
    merge_type: 'any',
    system_info: 'map',
    datasource: 'map',
    drivers: 'map',
  },
  ...{ cloud_init_modules: 'list', cloud_config_modules: 'list', cloud_final_modules: 'list', datasource_list: 'list' },
  ...{
    ca_certs: 'map',
    'ca-certs': 'map',
    rsyslog: 'any',
    chef: 'map',
    puppet: 'map',
    salt_minion: 'map',
    ansible: 'map',
  },
  ...{
    landscape: 'map',
    mcollective: 'map',
    snap: 'map',
    snappy: 'map',
    lxd: 'map',
    wireguard: 'map',
    rh_subscription: 'map',
  },
  ...{
    ubuntu_advantage: 'any',
    ubuntu_pro: 'any',
    fan: 'map',
    spacewalk: 'map',
    byobu_by_default: 'text',
    grub_dpkg: 'any',
  },
  ...{
    autoinstall: 'map',
    random_seed: 'map',
    updates: 'map',
    reporting: 'map',
    vendor_data: 'map',
    vendor_data2: 'map',
  },
  ...{
    launch_index: 'any',
    runcmd_on_change: 'any',
    version: 'any',
    set_passwords: 'any',
    'set-passwords': 'any',
    cloud_type: 'text',
  },
  ...{
    migrate: 'flag',
    manual_cache_clean: 'flag',
    warnings: 'map',
    log_cfgs: 'list',
    syslog_fix_perms: 'any',
    unverified_modules: 'list',
  },
  ...{
    disable_ec2_metadata: 'flag',
    def_log_file: 'text',
    keys_to_console: 'any',
    write_metadata: 'any',
    cloud_config: 'any',
  },
};
