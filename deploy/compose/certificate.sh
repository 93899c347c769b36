# A certificate of the relay that only its own clients trust. It lives for 90 days; the exporter warns for the last 21.
set -eu
cd /tls
[ -s cert.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=mailpit \
  -addext subjectAltName=DNS:mailpit -keyout key.pem -out cert.pem
# The user of the containers.
chmod a+r key.pem cert.pem
