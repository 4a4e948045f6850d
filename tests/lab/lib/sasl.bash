# shellcheck shell=bash
# sasl: a host whose libvirtd speaks only TLS, under a CA of our own, and
# wants a name and a password (SCRAM over SASL).
#
# DIR/sasl/hosts, hosts.wrong, hosts.none: hosts(5) files whose URI names an
# auth.conf with the right password, a wrong one, and no entry at all.

sasl_user=vmroll
sasl_password='right one'

# sasl_certificate NAME SUBJECT_ALT_NAME: signed by DIR/sasl/pki/cacert.pem.
sasl_certificate()
{
	local pki=$LAB_DIR/sasl/pki
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-subj "/CN=$1" -keyout "$pki/$1key.pem" -out "$pki/$1.csr"
	openssl x509 -req -in "$pki/$1.csr" -days 2 -out "$pki/$1cert.pem" \
		-CA "$pki/cacert.pem" -CAkey "$pki/cakey.pem" -CAcreateserial \
		-extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$2")
	rm "$pki/$1.csr"
}

sasl_pki()
{
	local pki=$LAB_DIR/sasl/pki
	mkdir -p "$pki"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-days 2 -subj '/CN=vmroll lab CA' \
		-addext 'basicConstraints=critical,CA:TRUE' \
		-addext 'keyUsage=critical,keyCertSign,cRLSign' \
		-keyout "$pki/cakey.pem" -out "$pki/cacert.pem"
	sasl_certificate server "IP:$(net_address sasl)"
	sasl_certificate client 'DNS:station'
}

# The realm of a user is the name of the host.
sasl_users()
{
	local folder=$LAB_DIR/host/sasl/sasl2
	mkdir -p "$folder"
	printf '%s' "$sasl_password" |
		saslpasswd2 -p -c -a libvirt -u sasl -f "$folder/passwd.db" "$sasl_user"
	cat >"$folder/libvirt.conf" <<-END
		mech_list: SCRAM-SHA-256
		sasldb_path: $folder/passwd.db
	END
}

sasl_conf()
{
	local file=$LAB_DIR/host/sasl/etc/libvirtd.conf pki=$LAB_DIR/sasl/pki
	sed -i '/^listen_/d' "$file"
	cat >>"$file" <<-END
		listen_tls = 1
		listen_tcp = 0
		auth_tls = "sasl"
		ca_file = "$pki/cacert.pem"
		cert_file = "$pki/servercert.pem"
		key_file = "$pki/serverkey.pem"
	END
}

# sasl_client SUFFIX PASSWORD: an auth.conf, and the hosts file that names it.
sasl_client()
{
	local file=$LAB_DIR/sasl/auth$1.conf address
	address=$(net_address sasl)
	printf '[credentials-lab]\nauthname=%s\npassword=%s\n\n[auth-libvirt-%s]\ncredentials=lab\n' \
		"$sasl_user" "$2" "$address" >"$file"
	[[ -n $2 ]] || : >"$file"
	chmod 600 "$file"
	printf 'sasl\t%s\tqemu+tls://%s/system?pkipath=%s&authfile=%s\tcluster=blue\n' \
		"$address" "$address" "$LAB_DIR/sasl/pki" "$file" >"$LAB_DIR/sasl/hosts$1"
}

cmd_sasl()
{
	[[ ! -e $LAB_DIR/sasl ]] || lab_die 'sasl: there is one already'
	host_make sasl 252
	sasl_pki 2>"$LAB_DIR/proc/sasl.log" ||
		lab_die "sasl: openssl: $(tail -n 2 "$LAB_DIR/proc/sasl.log")"
	sasl_users
	sasl_conf
	host_boot sasl
	sasl_client '' "$sasl_password"
	sasl_client .wrong 'wrong one'
	sasl_client .none ''
	env_add LAB_SASL_FILE "$LAB_DIR/sasl/hosts"
	echo "$LAB_DIR/sasl/hosts"
}
